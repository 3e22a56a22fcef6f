// A row of tabs that is wider than the screen begins where the page is: its own tab in the middle, as far as it goes.

for (const tab of document.querySelectorAll(".policy-tabs [aria-current]")) {
  const row = tab.parentElement
  const [own, all] = [tab.getBoundingClientRect(), row.getBoundingClientRect()]
  row.scrollLeft += own.left + own.width / 2 - (all.left + all.width / 2)
}
