// The live feed. While somebody points at the lists or works in them by keyboard nothing there moves: lines change where
// they stand, new ones wait behind a button, and what has to go goes once they have left.

import { follow } from "./live.js"
import { say } from "./said.js"

const MOST = 60 // lines of what ran
const SLIPPED = 350 // milliseconds after lines moved in which a press may have been meant for another
const LEFT = 700 // until the lists go on after the pointer or the focus has left them
const SPEAK = 10000 // between two sentences to a screen reader

const live = document.getElementById("live")
const lists = document.getElementById("lists")
const parts = { leaving: document.getElementById("leaving"), ran: document.getElementById("ran") }
const pause = document.getElementById("pause")
const link = document.getElementById("link")
const touch = window.matchMedia("(hover: none)")

const coming = new Map() // action -> the line that waits to be put in
const later = new Map() // action -> how its line looks once nobody points at it
const drawn = new Map() // action -> its markup, as it was told last
const arrived = { leaving: 0, ran: 0 }
let moved = 0
let going = 0

const line = (id) => document.getElementById(`line-${id}`)
const paused = () => pause.getAttribute("aria-pressed") === "true"
const busy = () => paused() || lists.matches(":hover") || lists.contains(document.activeElement)

function made(html) {
  return document.adoptNode(new DOMParser().parseFromString(html, "text/html").querySelector(".feed-row"))
}

// ---------------------------------------------------------------- one line

// A line changes where it stands, and keeps its height. Under the pointer its buttons go out of reach but leave their
// place empty: a press that is on its way hits nothing else.
function renew(old, fresh) {
  later.delete(old.dataset.action)
  if (!busy()) return old.replaceWith(fresh)
  later.set(old.dataset.action, fresh)
  old.style.blockSize = `${old.offsetHeight}px`
  const under = old.matches(":hover, :focus-within")
  const copy = fresh.cloneNode(true)
  old.querySelector(":scope > .veto, :scope > .feed-time")?.replaceWith(copy.firstElementChild)
  if (!under) {
    old.querySelector(".feed-what").replaceWith(copy.querySelector(".feed-what"))
    old.querySelector(".feed-acts").replaceWith(copy.querySelector(".feed-acts"))
  } else {
    old.querySelector(".feed-who").replaceWith(copy.querySelector(".feed-who"))
    const acts = old.querySelector(".feed-acts")
    if (old.dataset.status !== fresh.dataset.status) {
      if (acts.contains(document.activeElement)) old.querySelector("[data-row]").focus()
      acts.inert = true
      old.dataset.over = ""
    }
  }
  for (const name of ["status", "event", "due"]) {
    if (fresh.dataset[name]) old.dataset[name] = fresh.dataset[name]
    else delete old.dataset[name]
  }
  old.dataset.now = fresh.dataset.part
  old.toggleAttribute("data-last", false)
}

function take(row) {
  if (drawn.get(row.id) === row.html) return
  drawn.set(row.id, row.html)
  const old = line(row.id)
  const fresh = made(row.html)
  if (coming.has(row.id)) {
    if (row.part === "gone") coming.delete(row.id)
    else coming.set(row.id, fresh)
  } else if (!old) {
    if (row.part === "gone") return
    coming.set(row.id, fresh)
    arrived[row.part] += 1
  } else if (old.parentElement === parts[row.part] || busy()) {
    renew(old, fresh)
  } else {
    later.delete(row.id)
    old.remove()
    if (row.part !== "gone") coming.set(row.id, fresh)
  }
}

// ---------------------------------------------------------------- the lists

const due = (one) => one.dataset.due ?? "9999"
const at = (one) => one.querySelector("time")?.dateTime ?? ""

function put(fresh) {
  const part = fresh.dataset.part
  const list = parts[part]
  const before = part === "leaving"
    ? [...list.children].find((one) => due(one) > due(fresh))
    : [...list.children].find((one) => at(one) <= at(fresh))
  fresh.dataset.fresh = ""
  setTimeout(() => fresh.removeAttribute("data-fresh"), 4000)
  list.insertBefore(fresh, before ?? null)
}

// Everything goes to its place: what was told meanwhile, what has left, what is new.
function settle() {
  const changed = coming.size + later.size > 0
  for (const [id, fresh] of later) {
    const old = line(id)
    const part = fresh.dataset.part
    const focused = old?.contains(document.activeElement)
    if (part !== "gone" && old && old.parentElement === parts[part]) old.replaceWith(fresh)
    else {
      old?.remove()
      if (part !== "gone") put(fresh)
    }
    if (focused) fresh.querySelector("[data-row]")?.focus({ preventScroll: true })
  }
  later.clear()
  for (const fresh of coming.values()) put(fresh)
  coming.clear()
  for (const one of [...parts.ran.children].slice(MOST)) {
    drawn.delete(one.dataset.action)
    one.remove()
  }
  if (changed) moved = performance.now()
  count()
}

function count() {
  const waiting = { leaving: 0, ran: 0 }
  for (const one of coming.values()) waiting[one.dataset.part] += 1
  for (const pill of document.querySelectorAll("[data-shows]")) {
    const number = waiting[pill.dataset.shows]
    pill.hidden = number === 0
    pill.querySelector(".num").textContent = `${number} new`
  }
  const there = [...parts.leaving.children].filter((one) => (one.dataset.now ?? "leaving") === "leaving")
  document.getElementById("n-leaving").textContent = there.length + waiting.leaving
}

function go() {
  if (busy() || (touch.matches && coming.size && lists.getBoundingClientRect().top < innerHeight)) count()
  else settle()
}

function heard(news) {
  for (const row of news.rows) take(row)
  if (news.state) {
    const standing = new Set(news.rows.map((row) => row.id))
    for (const one of document.querySelectorAll(".feed-row")) {
      if (!standing.has(one.dataset.action) && one.parentElement === parts.leaving) fade(one)
    }
  }
  if (news.stops) stopped()
  go()
}

// It is leaving no more, and nothing says what became of it.
function fade(old) {
  if (!busy()) return old.remove()
  old.dataset.over = ""
  old.dataset.now = "gone"
  old.querySelector(".feed-acts").inert = true
  const none = old.cloneNode(true)
  none.dataset.part = "gone"
  later.set(old.dataset.action, none)
}

// A stop changes what many lines say. All pages hear of it at once, so each waits a moment of its own.
function stopped() {
  say("A stop was engaged or lifted.")
  setTimeout(() => { drawn.clear(); ask(""); banner() }, Math.random() * 1500)
}

async function banner() {
  const answer = await fetch(location.href)
  if (!answer.ok || answer.redirected) return
  const page = new DOMParser().parseFromString(await answer.text(), "text/html")
  const shell = document.querySelector(".shell")
  const before = lists.getBoundingClientRect().top
  for (const old of document.querySelectorAll("body > .banner")) old.remove()
  const fresh = [...page.querySelectorAll("body > .banner")].map((one) => document.adoptNode(one))
  shell.before(...fresh)
  shell.classList.toggle("has-banner", fresh.length > 0)
  window.scrollBy({ top: lists.getBoundingClientRect().top - before, behavior: "instant" })
  moved = performance.now()
}

for (const pill of document.querySelectorAll("[data-shows]")) {
  pill.addEventListener("click", () => {
    const list = parts[pill.dataset.shows]
    settle()
    list.querySelector("[data-row]")?.focus()
    list.closest(".panel").scrollIntoView({ block: "nearest" })
  })
}

function leaves() {
  clearTimeout(going)
  going = setTimeout(go, LEFT)
}
lists.addEventListener("pointerleave", leaves)
lists.addEventListener("focusout", leaves)

pause.addEventListener("click", () => {
  pause.setAttribute("aria-pressed", String(!paused()))
  pause.querySelector("span").textContent = paused() ? "Let it go on" : "Pause the list"
  if (!paused()) settle()
})

// ---------------------------------------------------------------- presses

document.addEventListener("submit", async (event) => {
  const form = event.target
  if (!form.matches("[data-act]") || event.defaultPrevented) return
  event.preventDefault()
  const again = () => {
    delete form.dataset.sent
    for (const one of form.querySelectorAll("button")) one.removeAttribute("aria-disabled")
  }
  if (performance.now() - moved < SLIPPED) {
    again()
    say("The list has just moved. Look again, then press.")
    return
  }
  const what = form.closest(".feed-row").querySelector("[data-row]").textContent.trim()
  const decision = event.submitter?.value ?? ""
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form, event.submitter)),
      headers: {
        Accept: "application/json",
        "X-CSRFToken": document.querySelector("input[name=csrfmiddlewaretoken]")?.value ?? "",
      },
      redirect: "manual",
    })
    if (answer.type === "opaqueredirect") {
      say(decision === "veto" ? `Vetoed “${what}”. It did not run.` : `Held “${what}”. Nothing leaves.`)
    } else {
      const problem = await answer.json().catch(() => null)
      again()
      say(problem?.detail ?? "That was refused. Open it to see how it stands.")
    }
  } catch {
    again()
    say("The server did not answer, so whether that was heard is not known. Open it to see how it stands.")
  }
  ask()
})

// ---------------------------------------------------------------- words

setInterval(() => {
  const { leaving, ran } = arrived
  if (!leaving && !ran) return
  arrived.leaving = arrived.ran = 0
  const words = [leaving && `${leaving} new about to leave`, ran && `${ran} new just ran`].filter(Boolean)
  document.getElementById("told").textContent = `${words.join(", ")}.`
}, SPEAK)

function linked(how) {
  if (how !== "revoked") {
    link.dataset.link = how
    return
  }
  link.dataset.link = "off"
  const note = document.getElementById("connection")
  note.querySelector("span").textContent = "You are signed out here, or may see something else now. Nothing more is told. "
  const again = document.createElement("a")
  again.href = location.href
  again.textContent = "Open the page anew"
  note.querySelector("span").append(again)
  note.hidden = false
  for (const one of lists.querySelectorAll(".feed-acts")) one.inert = true
}

pause.hidden = false
const ask = follow(live.dataset, "feed", heard, linked)
