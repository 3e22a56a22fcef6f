// News of what happens, told by the server as it happens. Where that is not to be had it is asked for every few seconds,
// and the other way is tried again later. A page that nobody looks at lets go of its stream, and catches up.

const EVERY = 3000 // milliseconds between questions, without a stream
const ANEW = 30000 // until a stream is tried again
const UNSEEN = 30000 // for which a hidden page stays connected

// `page` is {stream, news, place}; without `news` nothing is asked for. `heard` is given each document, `linked` how the
// page is connected: on, polls, off, revoked. Returns a function that asks now.
export function follow(page, wants, heard, linked = () => {}) {
  let place = page.place
  let source = null
  let asking = 0
  let trying = 0
  let hiding = 0
  let over = false

  const query = () => new URLSearchParams({ wants, ...(place && { after: place }) })

  function take(document) {
    place = document.place
    heard(document)
  }

  async function ask(from = place) {
    if (!page.news) return
    try {
      const answer = await fetch(`${page.news}?${new URLSearchParams({ wants, ...(from && { after: from }) })}`, {
        headers: { Accept: "application/json" },
      })
      if (answer.redirected || answer.status === 403) return end()
      if (!answer.ok) throw new Error(answer.status)
      take(await answer.json())
      if (!source) linked("polls")
    } catch {
      if (!source) linked("off")
    }
  }

  function polls() {
    close()
    if (over) return
    linked("polls")
    if (page.news) {
      ask()
      asking = setInterval(() => document.visibilityState === "visible" && ask(), EVERY)
    }
    if (window.EventSource) trying = setTimeout(open, ANEW)
  }

  function close() {
    source?.close()
    source = null
    clearInterval(asking)
    clearTimeout(trying)
  }

  function end() {
    over = true
    close()
    linked("revoked")
  }

  function open() {
    close()
    if (over) return
    if (!window.EventSource) return polls()
    source = new EventSource(`${page.stream}?${query()}`)
    source.addEventListener("open", () => linked("on"))
    source.addEventListener("news", (event) => take(JSON.parse(event.data)))
    source.addEventListener("revoked", end)
    source.addEventListener("full", polls)
    source.addEventListener("error", () => {
      if (source?.readyState === EventSource.CLOSED) polls() // refused, or there is none: it would not come back
      else linked("off") // it comes back by itself, and says where it was
    })
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding)
    if (document.visibilityState === "hidden") hiding = setTimeout(close, UNSEEN)
    else if (!source && !over) open()
  })
  window.addEventListener("pagehide", close)
  open()
  return ask
}
