// The table of calls that are alike: the bar says how many are ticked, and there is nothing to send where none is.

const rows = () => [...document.querySelectorAll("#bulk-form [data-row]")]

function count() {
  const all = rows()
  if (!all.length) return
  const ticked = all.filter((one) => one.checked).length
  const said = document.getElementById("bulk-count")
  if (said) said.textContent = `${ticked} of ${all.length} ticked.`
  const named = ticked === 1 ? "one ticked call" : `${ticked} ticked calls`
  for (const node of document.querySelectorAll("[data-ticked]")) node.textContent = named
  for (const button of document.querySelectorAll("#bulk-form button[name=decision], #bulk-form [data-key=reject]")) {
    button.toggleAttribute("disabled", ticked === 0)
  }
}

document.addEventListener("change", (event) => {
  if (event.target.matches?.("#bulk-form [data-row]")) count()
})
window.addEventListener("pageshow", count)
document.addEventListener("htmx:afterSettle", count)
count()
