// Clock times in the reader's own zone, ages and countdowns that tick. Only text changes, never size or place.
// The server's clock is the one that decides, so countdowns are shown against it.

const meta = document.querySelector('meta[name="server-time"]')
const skew = meta ? Date.parse(meta.content) - Date.now() : 0
const now = () => Date.now() + skew

export function spell(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`
  return `${Math.floor(minutes / 1440)} days`
}

function local(at) {
  const today = new Date(now()).toDateString() === at.toDateString()
  const time = at.toLocaleTimeString("en-GB", { hour12: false })
  return today ? time : `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })} ${time.slice(0, 5)}`
}

function set(node, text) {
  if (node.textContent !== text) node.textContent = text
}

function tick() {
  for (const node of document.querySelectorAll("time[data-local]")) {
    const at = new Date(node.dateTime)
    set(node, local(at))
    node.title ||= `${node.dateTime} (UTC)`
  }
  for (const node of document.querySelectorAll("time[data-ago]")) {
    set(node, `${spell(Math.max(0, (now() - Date.parse(node.dateTime)) / 1000))} ago`)
  }
  for (const node of document.querySelectorAll("time[data-left]")) {
    const seconds = (Date.parse(node.dateTime) - now()) / 1000
    set(node, seconds > 0 ? spell(seconds) + (seconds < 3600 ? " left" : "") : "time is up")
    node.toggleAttribute("data-urgent", seconds < 300)
  }
}

tick()
setInterval(tick, 1000)
document.addEventListener("htmx:afterSettle", tick)
