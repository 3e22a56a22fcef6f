// Forms: one press sends once; a gate opens only when what it guards has been looked at; errors of polling are said.

document.addEventListener("submit", (event) => {
  const form = event.target
  if (form.dataset.sent) {
    event.preventDefault()
    return
  }
  form.dataset.sent = "1"
  for (const button of form.querySelectorAll("button[type=submit]")) button.setAttribute("aria-disabled", "true")
})

// A page that comes back from the browser's memory must be usable again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload()
})

// Long values are folded with their length. What is risky cannot be approved before each was opened: its text is
// fetched then, and with it a token that approving asks for.
function gates() {
  for (const gate of document.querySelectorAll("[data-needs-expanded]")) {
    const closed = document.querySelectorAll("details[data-must-open]:not(:has([name^='opened:']))").length
    gate.toggleAttribute("disabled", closed > 0)
    const say = document.getElementById("must-open")
    if (say) say.hidden = closed === 0
  }
}

document.addEventListener("htmx:afterSettle", gates)
gates()

// The reason of a stop is asked for before its button works, and the button names what it stops.
document.addEventListener("change", (event) => {
  if (!event.target.matches?.("input[name=scope][data-names]")) return
  const label = document.getElementById("stop-label")
  if (label) label.textContent = event.target.dataset.names
})

// An edit marks what differs from what would run, as it is written.
document.addEventListener("input", (event) => {
  const field = event.target.closest?.("[data-edit]")
  if (field) field.toggleAttribute("data-changed", event.target.value !== event.target.dataset.was)
})

const broken = () => document.getElementById("connection")?.removeAttribute("hidden")
document.addEventListener("htmx:sendError", broken)
document.addEventListener("htmx:responseError", broken)
document.addEventListener("htmx:afterOnLoad", () => document.getElementById("connection")?.setAttribute("hidden", ""))
