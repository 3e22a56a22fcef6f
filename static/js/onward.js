// A decision that a key sends opens what waits next in the same answer: one round trip for the word and the card.

import { say, unsay } from "./said.js"
import { wishes } from "./wishes.js"

const SETTLES = ["approve", "reject", "hold", "veto"] // after these the row leaves the list

const rows = () => [...document.querySelectorAll("#queue .row[data-action]")]

// The row that follows the open card; before the last one, the one above. Without one the lane is shown as it is now.
export function following() {
  const all = rows()
  const at = all.findIndex((row) => row.dataset.action === document.getElementById("card")?.dataset.action)
  return at === -1 ? null : all[at + 1] ?? all[at - 1] ?? null
}

// Sends a form as its button would.
export function send(form, button) {
  const next = following()
  const decides = new URL(form.action).pathname.endsWith("/decide/")
  if (!decides || !rows().length || !wishes("onward") || !window.htmx || !SETTLES.includes(button?.value)) {
    form.requestSubmit(button)
    return
  }
  if (!form.reportValidity() || form.dataset.sent) return
  form.dataset.sent = "1"
  const values = Object.fromEntries(new FormData(form, button))
  const decided = document.getElementById("card").dataset.action
  const view = document.getElementById("queue").dataset.view
  const source = document.createElement("span") // a form would send its fields a second time
  document.body.append(source)
  // A refusal is an answer too: the card as it stands now, under the reason. Anything else that fails leaves it alone.
  const refused = (event) => {
    const { requestConfig, xhr } = event.detail
    if (requestConfig?.elt !== source || xhr.status < 400) return
    event.detail.shouldSwap = xhr.responseText.includes('id="card"')
    event.detail.isError = !event.detail.shouldSwap
  }
  document.addEventListener("htmx:beforeSwap", refused)
  window.htmx
    .ajax("POST", form.action, {
      source, target: "#card", swap: "outerHTML", values: { ...values, next: next?.dataset.action ?? "none", view },
    })
    .catch(() => say("The server did not answer, so whether it was decided is not known. Reload and look."))
    .finally(() => {
      document.removeEventListener("htmx:beforeSwap", refused)
      source.remove()
      delete form.dataset.sent
      if (!next || !arrived(decided, next.dataset.action)) ended()
    })
}

function arrived(decided, next) {
  const open = document.getElementById("card")?.dataset.action
  if (open !== next) return false // it was refused: the card says why
  const row = rows().find((one) => one.dataset.action === decided)
  ;(row?.closest("[role=listitem]") ?? row)?.remove()
  closed() // the toast says what was decided, and the card's own sentence, which has the focus, what comes next
  return true
}

// The lane is over, or its list was made anew: what was decided and what waits elsewhere stands in the page.
function ended() {
  const told = document.getElementById("lane-told")
  if (!told) return
  closed()
  ;(document.getElementById("elsewhere") ?? told).focus()
}

function closed() {
  unsay() // what a key chose on the way is over
  for (const popover of document.querySelectorAll(":popover-open")) popover.hidePopover()
}
