"""A scripted reviewer at a keyboard: reads what the page shows, presses keys, and counts both keys and round trips."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, Request

from tests.support.up import until

UNSEEN = """
import('/static/js/seen.js').then((seen) => {
  const one = seen.unseen()
  return one && { folded: !!one.folded, fresh: one.fresh, name: one.name }
})
"""
FOCUSED = "(wanted) => document.activeElement === wanted"
POLLS = ("/live/", "/inbox/news/")
MOST_TABS = 400


def unseen(page: Page) -> Any:
    """What of the card has not been on the screen, as the page itself counts it: nothing, or the first such part."""
    return page.evaluate(UNSEEN)


@dataclass
class Typist:
    """One person with a keyboard and no pointer."""

    page: Page
    keys: int = 0
    """Keys pressed so far; Ctrl and Enter together are one."""
    trips: Counter[str] = field(default_factory=Counter)
    """What was asked of the server, by kind; what the page asks by itself every few seconds is left out."""

    def __post_init__(self) -> None:
        self.page.on("request", self._counted)

    def _counted(self, asked: Request) -> None:
        path = urlsplit(asked.url).path
        if path.startswith("/static/") or any(part in path for part in POLLS):
            return
        self.trips[f"{asked.method} {asked.resource_type}"] += 1

    def press(self, key: str) -> None:
        """One key."""
        self.keys += 1
        self.page.keyboard.press(key)

    def card(self) -> str:
        """The action that is open."""
        return str(self.page.locator("#card").get_attribute("data-action"))

    def reads(self) -> None:
        """Look at the card until all of it has been on the screen, as the page itself counts it."""
        for _ in range(60):
            until(lambda: not (unseen(self.page) or {}).get("fresh"), 20, "the card has stood there for a moment")
            missing = unseen(self.page)
            if missing is None:
                return
            if missing["folded"]:
                self.press("a")  # says so, and puts the cursor there
                self.press("Enter")
                self.page.locator("#card details.fold[open] .arg-value").first.wait_for()
            else:
                self.press("a")
        raise AssertionError("the card has no end")

    def approves(self) -> None:
        """Yes, in two steps where the page wants two."""
        self.reads()
        now = self.card()
        self.press("a")
        asks = self.page.locator("#approve-dialog:popover-open")
        until(lambda: asks.count() or self.page.locator(f"#card[data-action='{now}']").count() == 0, 20, "it is heard")
        if asks.count():
            self.press("Control+Enter")

    def rejects(self, reason: str = "1") -> None:
        """No, with the reason of that number."""
        self.press("r")
        self.page.locator("#reject-dialog:popover-open").wait_for()
        self.press(reason)
        self.press("Control+Enter")

    def sets_aside(self, why: str) -> None:
        """Not now; the words count as what they are typed with."""
        self.press("h")
        self.page.locator("#hold-dialog:popover-open").wait_for()
        self.keys += len(why)
        self.page.keyboard.type(why)
        self.press("Control+Enter")

    def tabs_to(self, selector: str) -> None:
        """Walk there as one does without single keys."""
        wanted = self.page.locator(selector).first.element_handle()
        for _ in range(MOST_TABS):
            if self.page.evaluate(FOCUSED, wanted):
                return
            self.press("Tab")
        raise AssertionError(f"no way to {selector} by Tab")
