"""Keeping and forgetting in a browser: a look first, one asks and another confirms, something is held."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from lam_app.erasing import ask
from lam_app.keeping import hold, set_retention
from tests.browser.conftest import PHONE, SIZES, faults_everywhere
from tests.support.world import PASSWORD, World

ALL_SIZES = tuple(SIZES)


def test_somebody_s_data_is_looked_at_asked_for_and_confirmed_by_another(
    world: World, at_desk: Callable[..., Page]
) -> None:
    run = world.run()
    set_retention(world.organization, 365, by=world.administrator, reason="As our contract says")
    hold(world.organization, "run", run.pk, by=world.auditor, reason="A lawsuit about order 1009")
    ask(world.organization, world.developer, by=world.administrator, reason="They left and asked for it")
    admin = at_desk("administrator")
    admin.goto("/settings/erasure/")
    admin.get_by_label("Whose").select_option(label="operator")
    admin.get_by_role("button", name="See what would go").click()
    expect(admin.locator("#would")).to_contain_text("What would go of operator")
    found = {"erasure": faults_everywhere(admin, "erasure", sizes=ALL_SIZES)}
    auditor = at_desk("auditor")
    auditor.goto("/settings/erasure/")
    if auditor.get_by_role("link", name="Sign in again").count():
        auditor.get_by_role("link", name="Sign in again").first.click()
        auditor.get_by_label("Password").fill(PASSWORD)
        auditor.get_by_role("button", name="Sign in again").click()
    found["confirming"] = faults_everywhere(auditor)
    auditor.get_by_label("Why you say so too").fill("I have read their letter")
    auditor.get_by_role("button", name="Confirm: it cannot be taken back").click()
    expect(auditor.get_by_role("heading", name="developer is being erased")).to_be_visible()
    assert {title: fault for title, fault in found.items() if fault} == {}


def test_on_a_phone_the_tab_of_the_page_is_in_view(world: World, at_desk: Callable[..., Page]) -> None:
    page = at_desk("administrator", size=PHONE)
    page.goto("/settings/erasure/")
    tab = page.locator(".policy-tabs [aria-current]")
    expect(tab).to_be_in_viewport(ratio=1)
    form = page.locator(".hold-form")
    expect(form.locator("[name=target]")).to_be_hidden()
    form.locator("[name=kind]").select_option(label="One run")
    expect(form.locator("[name=target]")).to_be_visible()
    expect(form.locator("[name=person]")).to_be_hidden()
