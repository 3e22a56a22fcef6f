"""A browser, and the real product to open in it: `manage.py up --demo`, started once for all browser tests.

Chromium is the system's own. Without one these tests are left out and say so.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.support.up import PASSWORD, PROJECT, Up

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SCREENSHOTS = PROJECT / "docs" / "screenshots"
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
SIZES = {"wide": WIDE, "zoomed": {"width": 720, "height": 450}, "phone": PHONE}
SCHEMES = ("light", "dark")
PATIENCE = 20_000  # milliseconds; what is awaited takes one or two seconds


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a browser and starts the whole product."""
    for item in items:
        if Path(str(item.path)).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason="no Chromium: apt-get install chromium, or set CHROMIUM"))


@pytest.fixture(scope="session")
def product() -> Iterator[Up]:
    """The whole product, seeded with the demo's people."""
    with Up() as up:
        yield up


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each person gets a context of their own."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # playwright keeps a running loop in the main thread
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def complaints() -> list[str]:
    """What a browser complained of: broken scripts, blocked content, dialogs. Stays empty, or the test fails."""
    return []


SignIn = Callable[..., Page]


@pytest.fixture
def sign_in(product: Up, browser: Browser, complaints: list[str]) -> Iterator[SignIn]:
    """Sign in as one of the demo's people, by the form, in a browser session of their own."""
    contexts: list[BrowserContext] = []

    def as_person(name: str, *, size: dict[str, int] = WIDE, scheme: str = "light") -> Page:
        context = browser.new_context(viewport=size, color_scheme=scheme, base_url=product.url, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("console", lambda said: _listen(said.text, complaints))
        page.goto("/accounts/login/")
        page.fill("#login", name)
        page.fill("#password", PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/accounts/login" not in url)
        return page

    yield as_person
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def at_desk(live_server: Any, world: Any, browser: Browser, complaints: list[str]) -> Iterator[SignIn]:
    """A page for a person of ``world``, signed in already, in a browser session of their own. No worker runs."""
    contexts: list[BrowserContext] = []

    def person(name: str, *, size: dict[str, int] = WIDE, **wishes: Any) -> Page:
        context = _known(
            world, live_server.url, browser, name, **{"viewport": size, "reduced_motion": "reduce", **wishes}
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("console", lambda said: _listen(said.text, complaints))
        return page

    yield person
    for context in contexts:
        for page in context.pages:
            page.wait_for_load_state()  # what it asked for is answered while there still are rows
        context.close()
    assert complaints == []


@pytest.fixture
def watched(live_server: Any, world: Any, browser: Browser) -> Iterator[Callable[[str], Page]]:
    """A page for a person of ``world``; at the end no dialog has opened and nothing has been asked of elsewhere."""
    heard: list[str] = []
    contexts = []

    def person(name: str) -> Page:
        context = _known(world, live_server.url, browser, name, viewport=WIDE)
        contexts.append(context)
        page = context.new_page()
        page.on("dialog", lambda dialog: (heard.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda asked: None if asked.url.startswith(live_server.url) else heard.append(asked.url))
        page.on("request", lambda asked: heard.append(asked.url) if asked.method != "GET" else None)
        return page

    yield person
    for context in contexts:
        context.close()
    assert heard == []


def _known(world: Any, address: str, browser: Browser, name: str, **wishes: Any) -> BrowserContext:
    """A browser session of this person, without the form."""
    from django.test import Client

    client = Client()
    client.force_login(world.people[name], backend="allauth.account.auth_backends.AuthenticationBackend")
    context = browser.new_context(base_url=address, **wishes)
    cookie = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": address}])
    return context


def _listen(text: str, complaints: list[str]) -> None:
    if "Content Security Policy" in text or "Uncaught" in text:
        complaints.append(text)


def picture(page: Page, name: str, *, whole: bool = False) -> None:
    """Keep a picture for the manual; only when asked, so that a test run leaves the tree as it was."""
    if os.environ.get("COUNTERSIGN_SCREENSHOTS") == "1":
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(SCREENSHOTS / f"{name}.png"), full_page=whole)


def give_goal(operator: Page, goal: str) -> str:
    """Submit a goal through the form and wait until its action is under review; the address of the run."""
    operator.goto("/runs/new/")
    operator.get_by_role("textbox", name="Goal").fill(goal)
    operator.get_by_role("button", name="Start the run").click()
    operator.wait_for_url("**/runs/*-*/")
    operator.locator(".step [data-status=in_review]").first.wait_for()
    return operator.url


def says_yes(page: Page) -> None:
    """Approve what the card shows: with a second press where nothing takes it back."""
    first = page.locator("#decide [data-key=approve]")
    twice = first.get_attribute("popovertarget")  # before the press: it may be gone right behind it
    first.click()
    if twice:
        page.locator("#approve-dialog button[value=approve]").click()


def shows_anew(page: Page, password: str) -> None:
    """Give the password again where it is asked for, and come back."""
    expect(page.get_by_role("heading", name="Sign in again")).to_be_visible()
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in again").click()


def faults(page: Page) -> list[str]:
    """What axe-core finds, and whether the page scrolls sideways."""
    found = [
        f"{rule['id']}: {node['html'][:160]}"
        for rule in Axe().run(page).response["violations"]
        for node in rule["nodes"]
    ]
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*found, *([f"scrolls sideways by {over} px"] if over > 0 else [])]


def faults_everywhere(page: Page, name: str = "", *, sizes: tuple[str, ...] = ("wide", "phone")) -> list[str]:
    """The page's faults at these sizes, in light and dark; with a name, pictures of it too."""
    found = []
    for size in sizes:
        page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            found += [f"{size} {scheme}: {fault}" for fault in faults(page)]
            if name and size != "zoomed":
                picture(page, f"{name}-{size}-{scheme}")
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="light")
    return found


def open_everything(page: Page) -> None:
    """Unfold whatever the card has folded, as a reader would who wants to see all of it."""
    folded = page.locator("#card details:not([open]) > summary")
    while folded.count():
        folded.first.click()
