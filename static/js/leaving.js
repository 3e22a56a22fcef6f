// What leaves by itself: the seconds in its ring and in its sentence go down by the server's clock, and change no size.

const skew = Date.parse(document.querySelector("meta[name=server-time]")?.content ?? "") - Date.now() || 0
const left = (at) => Math.max(0, (Date.parse(at) - Date.now() - skew) / 1000)
const MINUTES = 600 // seconds from which on minutes are enough in a list, and fit
const wholes = new WeakMap()

function tick() {
  for (const ring of document.querySelectorAll(".veto[data-until]:not([data-held])")) {
    const seconds = left(ring.dataset.until)
    // The ring was drawn with so much of its time left: from both follows how long the whole of it is.
    if (!wholes.has(ring)) wholes.set(ring, (seconds * 100) / Math.max(1, Number(ring.dataset.part)))
    const part = Math.min(100, (100 * seconds) / Math.max(1, wholes.get(ring)))
    ring.querySelector(".left")?.setAttribute("stroke-dasharray", `${part.toFixed(1)} 100`)
    ring.toggleAttribute("data-last", seconds < 5)
    const number = ring.querySelector("b")
    const long = seconds >= MINUTES && ring.closest(".feed")
    if (number) number.textContent = long ? `${Math.ceil(seconds / 60)}m` : Math.ceil(seconds)
  }
  for (const node of document.querySelectorAll("time[data-leaves]")) {
    const seconds = Math.ceil(left(node.dateTime))
    node.textContent = seconds > 0 ? `in ${seconds} s` : "now"
  }
}

tick()
setInterval(tick, 250)
document.addEventListener("htmx:afterSettle", tick)
