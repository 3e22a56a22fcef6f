// A row of tabs that is wider than the screen begins where the page is: its own tab in the middle, as far as it goes.

const centred = new ResizeObserver((changes) => {
  for (const { target: row } of changes) {
    const tab = row.querySelector("[aria-current]")
    if (!tab) continue
    const [own, all] = [tab.getBoundingClientRect(), row.getBoundingClientRect()]
    row.scrollLeft += own.left + own.width / 2 - (all.left + all.width / 2)
  }
})
for (const row of document.querySelectorAll(".policy-tabs")) centred.observe(row)
