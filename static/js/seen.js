// What of the open card has been on the screen: its sentence, its effect, every argument. A key approves nothing else.
//
// Each of these parts is looked at in slices. A slice has been seen once it stood on the screen, under nothing, for
// long enough to be noticed; a part has been seen when all its slices have. What is folded has not been seen.

const PARTS = "#sentence, #card .effect, #card .args:not(.edits) tbody tr, #card [data-see], .bulk [data-see]"
const LEFT_OUT = "tr:has([data-row]:not(:checked))" // of a table, what is not ticked is not decided on
const FOLDED = "details.fold:not([open]), details[data-must-open]:not([open])"
const SLICE = 10 // pixels
const LONG_ENOUGH = 400 // milliseconds
const EVERY = 100 // milliseconds

const looked = new WeakMap() // part -> {height, since: [moment | 0 | Infinity]}; Infinity: seen

const parts = () => [...document.querySelectorAll(PARTS)].filter((part) => !part.matches(LEFT_OUT))
const approvable = () => document.querySelector("#decide, .decide") !== null

function slices(part, box) {
  const height = Math.round(box.height)
  let known = looked.get(part)
  if (!known || Math.abs(known.height - height) > 2) {
    // Of another height it shows something else, or more: what was folded has been opened.
    known = { height, since: new Array(Math.max(1, Math.ceil(height / SLICE))).fill(0) }
    looked.set(part, known)
  }
  return known.since
}

// Whether a slice stands on the screen with nothing over it. A quarter and three quarters of the width must both show.
function shows(part, box, slice) {
  const y = box.top + Math.min(slice * SLICE + SLICE / 2, box.height - 3)
  if (y < 0 || y >= innerHeight) return false
  const left = Math.max(box.left, 0)
  const right = Math.min(box.right, innerWidth)
  return [0.25, 0.75].every((share) => part.contains(document.elementFromPoint(left + (right - left) * share, y)))
}

function look() {
  if (document.visibilityState !== "visible" || !approvable()) return
  const now = performance.now()
  for (const part of parts()) {
    const box = part.getBoundingClientRect()
    if (box.height === 0) continue
    const since = slices(part, box)
    for (let slice = 0; slice < since.length; slice++) {
      if (since[slice] === Infinity) continue
      if (!shows(part, box, slice)) since[slice] = 0
      else if (since[slice] === 0) since[slice] = now
      else if (now - since[slice] >= LONG_ENOUGH) since[slice] = Infinity
    }
  }
}

function slot(part) {
  const box = part.getBoundingClientRect()
  if (box.height === 0) return part.closest("details:not([open])") ? 0 : -1 // what no layout shows hides nothing
  return slices(part, box).findIndex((moment) => moment !== Infinity)
}

function named(part) {
  if (part.id === "sentence") return "what it does"
  if (part.matches(".bulk tr")) return `row ${part.querySelector(".num").textContent}`
  if (part.matches(".bulk [data-see]")) return "what is the same for all"
  const head = part.matches("tr") ? part.querySelector("th") : part.querySelector("h2, h3")
  return head ? `“${head.textContent.trim()}”` : "a part of it"
}

// The first part that has not been seen, or null. `folded` is the fold to open, `fresh` that it stands there just now.
export function unseen() {
  look()
  for (const part of parts()) {
    const folded = part.querySelector(FOLDED) ?? part.closest("details:not([open])")
    const slice = slot(part)
    if (!folded && slice === -1) continue
    const box = part.getBoundingClientRect()
    const fresh = !folded && shows(part, box, slice)
    return { part, folded, fresh, name: named(part), top: box.top + Math.max(slice, 0) * SLICE }
  }
  return null
}

// Brings what is missing to the top of what can be seen, below the head of its pane.
export function bring(missing) {
  const target = missing.folded?.querySelector("summary") ?? null
  const pane = missing.part.closest(".pane")
  const inside = pane && pane.scrollHeight > pane.clientHeight + 1 && getComputedStyle(pane).overflowY !== "visible"
  const head = pane?.querySelector(".pane-head")?.getBoundingClientRect()
  const under = (inside ? pane.getBoundingClientRect().top : 0) + (head && head.height ? Math.max(head.height, 0) : 0)
  const offset = inside ? under + 12 : under + 64 // on a phone the page's own bar stays on top as well
  const from = target ? target.getBoundingClientRect().top : missing.top
  ;(inside ? pane : window).scrollBy({ top: from - offset, behavior: "instant" })
  target?.focus({ preventScroll: true })
  look()
}

setInterval(look, EVERY)
document.addEventListener("scroll", look, { capture: true, passive: true })
