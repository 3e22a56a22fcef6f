// What a person wishes of the keyboard: kept in this browser, for this person, and changed on the key sheet.

const sheet = () => document.getElementById("keys")
const place = (wish) => `countersign:${sheet()?.dataset.person ?? ""}:${wish}`
const WITHOUT_A_WORD = { keys: true, hints: false, onward: true }

function kept(wish) {
  try {
    return localStorage.getItem(place(wish))
  } catch {
    return null // a browser that keeps nothing: everything is as it is without a word
  }
}

export function wishes(wish) {
  const word = kept(wish)
  return word === null ? WITHOUT_A_WORD[wish] : word === "on"
}

function remember(wish, on) {
  try {
    localStorage.setItem(place(wish), on ? "on" : "off")
  } catch { /* nothing can be kept here */ }
}

// The page is told of every change, so that marks on buttons come and go with it.
export function follow(changed) {
  for (const box of sheet()?.querySelectorAll("input[data-wish]") ?? []) {
    box.checked = wishes(box.dataset.wish)
    box.addEventListener("change", () => {
      remember(box.dataset.wish, box.checked)
      changed()
    })
  }
  changed()
}
