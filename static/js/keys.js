// The keyboard. Single keys act only where nobody is typing, never with a modifier, a repeat or a half-made character;
// they can be turned off on their sheet. What a key does is a press of a button on the page: where there is no such
// button, the key does nothing.

import { say, unsay } from "./said.js"
import { approve, disarm, pass, passArmed } from "./consent.js"
import { send } from "./onward.js"
import { follow, wishes } from "./wishes.js"

const BUTTONS = {
  a: "[data-key=approve], #decide button[value=approve]",
  c: "[data-key=take], [data-key=let_go]",
  e: "[data-key=edit], #decide a[href$='/edit/']",
  h: "[data-key=hold]",
  q: "[data-key=ask]",
  r: "[data-key=reject], #decide [popovertarget=reject-dialog]",
  u: "[data-key=take_back], [data-key=undo], [data-key=back]",
  x: "[data-key=stop], #card .pane-head .btn-stop",
}
const PLACES = {
  a: "/audit/", f: "/feed/", i: "/", l: "/practice/", m: "/metrics/", n: "/notices/", o: "/tools/outbox/",
  p: "/policy/", r: "/runs/", s: "/stop/", t: "/tools/",
}
const CHORD = 1500 // milliseconds for the second key of a chord

let chord = 0

const dialog = () => document.querySelector(":popover-open:not(.side), dialog[open]")
const typing = (node) =>
  node?.closest?.("textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=button], [type=submit])")

// A button that could be pressed now. One in a menu that is closed counts; one that is disabled is told apart.
function button(selector) {
  const all = [...document.querySelectorAll(selector)]
  return all.find((one) => one.checkVisibility()) ?? all.find((one) => one.closest("[popover]:not(:popover-open)")) ?? null
}

// ---------------------------------------------------------------- dialogs

// The button that a dialog or a form is there for, as far as it can be pressed: an edit is checked before it is saved.
function confirmation(open) {
  const ways = ["[data-key=confirm]", ".btn-primary[type=submit]", ".btn-stop-now[type=submit]", "[type=submit]"]
  return ways.map((way) => open.querySelector(`${way}:not(:disabled)`)).find(Boolean) ?? null
}

function inDialog(event, open) {
  const yes = confirmation(open)
  if (event.key === "a" && yes?.value === "approve") {
    pass(yes)
    return true
  }
  if (event.key === "?" && open.id === "keys") {
    open.hidePopover()
    return true
  }
  if (!/^[1-9]$/.test(event.key)) return false
  const choices = [...open.querySelectorAll("input[type=radio]")].filter((one) => !one.disabled)
  const choice = choices[Number(event.key) - 1]
  if (!choice) return false
  choice.checked = true
  choice.dispatchEvent(new Event("change", { bubbles: true }))
  choice.focus()
  say(`Chosen: ${choice.closest("label")?.querySelector("span")?.textContent.trim() ?? event.key}`)
  return true
}

// Ctrl and Enter send the dialog that is open, the form that is being written in, or what was armed.
function sendNow(event) {
  const open = dialog() // its own button alone: the form around a dialog may hold another
  const form = open ?? event.target.closest?.("form.edit, form[data-sends]") ?? document.querySelector("form[data-sends=page]")
  if (!form) return passArmed()
  const yes = confirmation(form)
  if (!yes?.form) return false
  if (yes.value === "approve") pass(yes, { deliberate: true })
  else send(yes.form, yes)
  return true
}

// A dialog with a list of reasons begins there.
document.addEventListener("toggle", (event) => {
  if (event.newState !== "open" || !event.target.matches?.(".dialog")) return
  const first = event.target.querySelector("input[type=radio]:checked, input[type=radio], select, textarea")
  first?.focus()
}, true)

// ---------------------------------------------------------------- the list

const rows = () => [...document.querySelectorAll("#queue .row, [data-row]")]

function walk(step) {
  const all = rows()
  if (!all.length) return false
  let at = all.indexOf(document.activeElement)
  if (at === -1) at = all.findIndex((row) => row.getAttribute("aria-current") === "true")
  const row = all[Math.min(Math.max(at + step, 0), all.length - 1)]
  if (row === all[at]) {
    say(step > 0 ? "This is the last one here." : "This is the first one here.")
    return true
  }
  if (row.checkVisibility()) {
    row.focus()
    row.scrollIntoView({ block: "nearest" })
  } else {
    row.click() // on a phone the list is not on the screen: the card itself turns over
  }
  return true
}

// Whether the eye is on a row that is not the one whose card is open: what a key decided would be about the other.
function elsewhere() {
  const row = document.activeElement
  return rows().includes(row) && row.matches("a") && row.getAttribute("aria-current") !== "true"
}

// The table of what is like the row that the eye is on.
function alike() {
  const row = rows().find((one) => one === document.activeElement)
    ?? rows().find((one) => one.getAttribute("aria-current") === "true")
  const link = row?.closest("[role=listitem]")?.querySelector("[data-key=alike]")
  if (link) location.assign(link.href)
  else say("Nothing that waits here is like this one.")
  return true
}

function filter() {
  const field = document.querySelector("[data-key=filter], #queue input[type=search], #queue select, form.filters input")
  if (!field?.checkVisibility()) return false
  field.focus()
  field.select?.()
  return true
}

// ---------------------------------------------------------------- evidence

function evidence(number) {
  const side = document.getElementById("evidence")
  if (!side) return false
  const section = side.querySelector(`[data-key="evidence-${number}"]`)
    ?? side.querySelectorAll(".tab:not(.pane-back), h3")[number - 1]
  if (!section) return false
  if (!side.checkVisibility()) location.hash = "evidence"
  if (section.matches("summary") && !section.parentElement.open) section.click()
  else if (section.matches("a, button, input, [role=tab]")) section.click()
  if (!section.matches("a, button, input, summary")) section.tabIndex = -1
  section.focus()
  section.scrollIntoView({ block: "start" })
  return true
}

// ---------------------------------------------------------------- chords

function begin() {
  const offered = Object.keys(PLACES).filter((key) => place(key))
  clearTimeout(chord)
  chord = setTimeout(() => { chord = 0; unsay() }, CHORD)
  say(`g, then ${offered.join(" ")}`)
  return true
}

const place = (key) => [...document.querySelectorAll(".side a[href], #keys a[href]")]
  .find((link) => link.getAttribute("href") === PLACES[key])

function go(key) {
  clearTimeout(chord)
  chord = 0
  unsay()
  const link = PLACES[key] && place(key)
  if (!link) {
    say("There is no such place for you here.")
    return
  }
  location.assign(link.href)
}

// ---------------------------------------------------------------- every key

function press(event) {
  const { key } = event
  if (chord) {
    go(key)
    return true
  }
  if (BUTTONS[key] && key !== "x" && elsewhere()) {
    say("The card shows another request than the one you are on. Enter opens it.")
    return true
  }
  if (key === "a") {
    const one = button(BUTTONS.a)
    if (!one) return false
    approve(one)
    return true
  }
  if (BUTTONS[key]) {
    const one = button(BUTTONS[key])
    if (!one || one.disabled) return false
    if (one.type === "submit" && one.form) send(one.form, one)
    else one.click()
    return true
  }
  if (key === "j" || key === "k") return walk(key === "j" ? 1 : -1)
  if (key === "b" && rows().some((one) => one.matches("[data-action]"))) return alike()
  if (key === "/") return filter()
  if (key === "g") return begin()
  if (key === "?") {
    document.getElementById("keys")?.showPopover()
    return true
  }
  return /^[1-5]$/.test(key) && evidence(Number(key))
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.keyCode === 229 || event.repeat) return
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
    if (sendNow(event)) event.preventDefault()
    return
  }
  if (!wishes("keys") || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return
  if (["Shift", "Escape", "Tab", "Enter", " "].includes(event.key)) {
    if (event.key === "Escape") leave()
    return
  }
  const open = dialog()
  if (open ? inDialog(event, open) : press(event)) event.preventDefault()
  if (!open && event.key !== "a") disarm()
})

function leave() {
  clearTimeout(chord)
  chord = 0
  disarm()
  unsay()
  if (!dialog() && location.hash === "#evidence") location.hash = "card"
}

// ---------------------------------------------------------------- marks

// Buttons name their key to assistive technology, and to the eye when a person wishes it.
function mark() {
  const on = wishes("keys")
  document.documentElement.toggleAttribute("data-hints", on && wishes("hints"))
  for (const [key, selector] of Object.entries(BUTTONS)) {
    for (const one of document.querySelectorAll(selector)) {
      if (on) one.setAttribute("aria-keyshortcuts", key)
      else one.removeAttribute("aria-keyshortcuts")
      one.toggleAttribute("data-hint", on)
      if (on) one.setAttribute("data-hint", key)
    }
  }
}

follow(mark)
document.addEventListener("htmx:afterSettle", mark)
