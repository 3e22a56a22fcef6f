// The bell counts on while a page stands. While nobody looks at it, the browser says what arrives, if it may: it is
// asked for leave by a button alone.

const EVERY = 15_000
const SOON = 2_000
const person = () => document.getElementById("keys")?.dataset.person ?? ""
const place = (what) => `countersign:${person()}:${what}`

function kept(what) {
  try {
    return localStorage.getItem(place(what))
  } catch {
    return null // a browser that keeps nothing: it says nothing twice, since it says nothing
  }
}

function keep(what, value) {
  try {
    localStorage.setItem(place(what), value)
  } catch { /* nothing can be kept here */ }
}

function count(unread) {
  for (const bell of document.querySelectorAll("[data-bell]")) {
    const shown = bell.querySelector(".bell-count")
    if (shown.textContent === unread) continue
    shown.textContent = unread
    shown.hidden = !unread
    bell.setAttribute("aria-label", unread ? `Notices, ${unread} unread` : "Notices")
  }
}

function speak(title, path, tag, body = "") {
  try {
    const said = new Notification(title, { tag, body, icon: document.querySelector("link[rel=icon]")?.href })
    said.onclick = () => {
      said.close()
      window.open(path, "_blank", "noopener")
    }
    return true
  } catch {
    return false // some browsers speak only for pages that are installed
  }
}

function say({ notices, more }) {
  if (!notices.length || !("Notification" in window) || Notification.permission !== "granted") return
  const [first] = notices
  if (notices.length === 1) speak(first.title, first.path, first.id)
  else speak(`${more ? "More than " : ""}${notices.length} notices`, "/notices/", first.id, first.title)
}

let waiting = 0

async function ask() {
  clearTimeout(waiting)
  const after = kept("notice")
  try {
    const answer = await fetch(`/notices/news/${after ? `?after=${after}` : ""}`, {
      headers: { Accept: "application/json" }, credentials: "same-origin", redirect: "error",
    })
    if (!answer.ok) throw new Error(String(answer.status))
    const news = await answer.json()
    count(news.unread)
    if (news.newest && news.newest !== after) {
      keep("notice", news.newest)
      if (document.hidden) say(news)
    }
  } catch { /* the page says by itself when the server is not there */ }
  clearTimeout(waiting)
  waiting = setTimeout(ask, EVERY)
}

if (document.querySelector("[data-bell]")) {
  waiting = setTimeout(ask, SOON)
  document.addEventListener("visibilitychange", ask)
}

const STATES = {
  granted: "It may speak here: what arrives while no page of Countersign is in sight is shown by the browser.",
  denied: "It may not speak here. The browser's own settings for this site can change that.",
  default: "It has not been asked yet whether it may speak while no page of Countersign is in sight.",
  none: "This browser cannot speak for this page. Over an address that begins with https:// most can.",
}

function tell(panel) {
  const able = "Notification" in window && window.isSecureContext
  const state = able ? Notification.permission : "none"
  panel.querySelector("[data-speaks-state]").textContent = STATES[state]
  panel.querySelector("[data-speaks-ask]").hidden = state !== "default"
  panel.querySelector("[data-speaks-try]").hidden = state !== "granted"
}

for (const panel of document.querySelectorAll("[data-speaks]")) {
  tell(panel)
  panel.querySelector("[data-speaks-ask]").addEventListener("click", async () => {
    await Notification.requestPermission()
    tell(panel)
  })
  panel.querySelector("[data-speaks-try]").addEventListener("click", () => {
    const said = speak("This is a test. Notices reach you here", "/notices/", "test")
    panel.querySelector("[data-speaks-state]").textContent = said
      ? "The test was handed to the browser. If you did not see it, the system keeps the browser quiet."
      : "This browser did not take it: some speak only for pages that are installed."
  })
}
