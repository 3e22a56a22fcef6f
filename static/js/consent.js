// Consent by a key: only to what has been on the screen, and in two presses where nothing takes it back.

import { say } from "./said.js"
import { bring, unseen } from "./seen.js"
import { send } from "./onward.js"

const PAUSE = 700 // milliseconds between the two presses that what cannot be undone takes
const TWICE = "This cannot be taken back. Press a again, or Ctrl and Enter, to approve."

let armed = null // {button, at}: the first of two presses

// Whether everything that a yes covers has been on the screen. If not, it is brought there, and the press was for that.
function looked(from) {
  const missing = unseen()
  if (!missing) return true
  const over = from.closest("[popover]:popover-open, dialog[open]")
  if (over) { // a dialog lies over the card, so what it asks about could not be read
    if (over.matches("dialog")) over.close()
    else over.hidePopover()
    disarm()
  } else if (missing.fresh) {
    say(`Read ${missing.name} first: it has only just appeared. Then press again.`)
    return false
  }
  bring(missing)
  say(missing.folded
    ? `Not approved: ${missing.name} is folded. Enter opens it.`
    : `Not approved: ${missing.name} had not been on the screen. Read on, then press again.`)
  return false
}

export function approve(one) {
  if (!looked(one)) return
  if (one.disabled || one.getAttribute("aria-disabled") === "true") {
    say("This cannot be approved as it stands: the bar says why.")
    return
  }
  const opens = one.type !== "submit" // a dialog that asks once more
  if (opens || (one.closest("[data-irreversible]") && armed?.button !== one)) {
    armed = { button: one, at: performance.now() }
    one.setAttribute("data-armed", "")
    if (opens) one.click()
    else one.focus()
    say(TWICE)
    return
  }
  pass(one)
}

// The second press, or the only one. It counts only after a pause: a finger that slips is no consent.
export function pass(one, { deliberate = false } = {}) {
  if (!deliberate && armed && performance.now() - armed.at < PAUSE) return
  if (!looked(one)) return
  disarm()
  send(one.form, one)
}

export function passArmed() {
  if (!armed || armed.button.type !== "submit") return false
  pass(armed.button, { deliberate: true })
  return true
}

export function disarm() {
  armed?.button.removeAttribute("data-armed")
  armed = null
}

// Enter and the space bar on a button that approves are keys like any other.
document.addEventListener("click", (event) => {
  const one = event.target.closest?.("button[value=approve], [data-key=approve]")
  if (!one || event.detail !== 0 || event.defaultPrevented || armed?.button === one) return
  if (!looked(one)) event.preventDefault()
}, true)

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id === "card") disarm()
})
