// The desk: the row of the card that is open stays marked, and the card is announced and scrolled to its top.

document.addEventListener("htmx:afterSwap", (event) => {
  const card = event.detail.target
  if (card.id !== "card") return
  const open = document.getElementById("card")?.dataset.action
  for (const row of document.querySelectorAll(".queue .row")) {
    row.toggleAttribute("aria-current", false)
    if (row.dataset.action === open) row.setAttribute("aria-current", "true")
  }
  document.querySelector(".panes")?.setAttribute("data-view", "card")
  document.getElementById("sentence")?.focus({ preventScroll: true })
  document.getElementById("card").scrollTop = 0
})

// The card that is open already is not fetched anew: nothing may be swapped under a person who begins to act on it.
document.addEventListener("htmx:beforeRequest", (event) => {
  const row = event.detail.elt
  if (!row.matches?.(".queue .row") || row.dataset.action !== document.getElementById("card")?.dataset.action) return
  event.preventDefault()
  document.querySelector(".panes")?.setAttribute("data-view", "card")
  document.getElementById("sentence")?.focus({ preventScroll: true })
})

// On a phone the list and the card share the screen; going back shows the list.
document.addEventListener("click", (event) => {
  const back = event.target.closest?.("a.pane-back[href='#queue']")
  if (back) document.querySelector(".panes")?.setAttribute("data-view", "list")
})

// A long value of a low-risk request stands folded in the page. That it was opened is said with the decision.
document.addEventListener(
  "toggle",
  (event) => {
    const proof = event.target.open && event.target.querySelector?.(":scope > input[data-opened]")
    if (proof) proof.disabled = false
  },
  true,
)
