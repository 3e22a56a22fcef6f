// One quiet line that says what a key did: seen at the foot of the page, read out where a screen reader listens.

let clearing = 0

export function say(text) {
  const line = document.getElementById("said")
  if (!line) return
  line.textContent = text
  line.hidden = false
  clearTimeout(clearing)
  clearing = setTimeout(() => { line.hidden = true }, 6000)
}

export function unsay() {
  const line = document.getElementById("said")
  if (line) line.hidden = true
}
