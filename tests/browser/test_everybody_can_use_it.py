"""axe-core finds nothing on any page, light and dark, wide, at 200 % zoom, on a phone; nothing scrolls sideways."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.conftest import PHONE, WIDE, give_goal, picture
from tests.support.up import Up

SIZES = {"wide": WIDE, "zoomed": {"width": 720, "height": 450}, "phone": PHONE}
PAGES = {
    "reviewer": {"inbox": "/", "tools": "/tools/", "outbox": "/tools/outbox/", "stop": "/stop/"},
    "operator": {"runs": "/runs/", "run-new": "/runs/new/"},
    "auditor": {"audit": "/audit/"},
}


def faults(page: Page) -> list[str]:
    """What axe-core finds, and whether the page scrolls sideways."""
    found = [
        f"{rule['id']}: {node['html'][:160]}"
        for rule in Axe().run(page).response["violations"]
        for node in rule["nodes"]
    ]
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*found, *([f"scrolls sideways by {over} px"] if over > 0 else [])]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_no_page_has_a_fault(sign_in: Callable[..., Page], size: str, scheme: str) -> None:
    operator = sign_in("operator", size=SIZES[size], scheme=scheme)
    run = give_goal(operator, "Tell the customer of order 1050 that it is delayed until Friday")
    found = {"run": faults(operator)}
    action = operator.locator(".step a").first.get_attribute("href") or ""
    for name, pages in PAGES.items():
        person = operator if name == "operator" else sign_in(name, size=SIZES[size], scheme=scheme)
        for title, address in {**pages, **({"action": action} if name == "reviewer" else {})}.items():
            person.goto(address)
            person.locator("h1:visible").first.wait_for()
            found[title] = faults(person)
            if size != "zoomed":
                picture(person, f"{title}-{size}-{scheme}")
    operator.goto(run)
    operator.get_by_role("button", name="Cancel the run…").click()
    found["dialog"] = faults(operator)
    operator.get_by_role("button", name="Cancel the run", exact=True).click()
    operator.locator(".run-state [data-status=cancelled]").wait_for()
    assert {title: fault for title, fault in found.items() if fault} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_door_has_no_fault(product: Up, browser: Browser, size: str, scheme: str) -> None:
    context = browser.new_context(viewport=SIZES[size], color_scheme=scheme, base_url=product.url)
    page = context.new_page()
    page.goto("/accounts/login/")
    assert faults(page) == []
    picture(page, f"sign-in-{size}-{scheme}")
    page.fill("#login", "nobody-here")
    page.fill("#password", "wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    assert faults(page) == []
    context.close()
