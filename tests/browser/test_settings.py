"""An administrator's settings in a browser: the organization, tokens, sessions, people switched off, a second look."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from accounts.models import SignIn
from tests.browser.conftest import SIZES, WIDE, faults_everywhere, picture, shows_anew
from tests.support.api import outside_agent, token_of
from tests.support.dialling import second_administrator
from tests.support.policing import change
from tests.support.sql import without_guards
from tests.support.world import PASSWORD, World

ALL_SIZES = tuple(SIZES)
Desk = Callable[..., Page]


def sign_in_again(page: Page) -> None:
    """What is asked for before something of weight."""
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in again").click()


def asked(page: Page, token: str) -> int:
    """What the API answers whoever shows this token."""
    return page.request.get("/api/v1/tools", headers={"Authorization": f"Bearer {token}"}).status


def test_a_token_is_made_seen_once_used_and_ended(world: World, at_desk: Desk) -> None:
    bot = outside_agent(world.organization, world.operator, "send_message")
    token_of(world, "operator", "agent", bot)
    admin = at_desk("administrator")
    admin.goto("/")
    admin.get_by_role("link", name="Settings", exact=True).click()
    expect(admin.locator("h1")).to_have_text("Demo")
    found = {"settings": faults_everywhere(admin, "settings", sizes=ALL_SIZES)}
    admin.get_by_label("Settings").get_by_role("link", name="Tokens").click()
    admin.locator("#make").get_by_role("link", name="Sign in again").click()
    sign_in_again(admin)
    admin.wait_for_url("**/settings/tokens/*")
    admin.get_by_label("What it is for").fill("Claims desk")
    admin.get_by_label("For which agent").select_option(label="claims-bot, in the name of operator")
    found["tokens"] = faults_everywhere(admin, "tokens", sizes=ALL_SIZES)
    admin.get_by_role("button", name="Make the token").click()
    text = admin.get_by_label("Token", exact=True).input_value()
    found["made"] = faults_everywhere(admin, "token-made", sizes=ALL_SIZES)
    assert asked(admin, text) == 200
    admin.get_by_role("link", name="I have copied it").click()
    assert text not in admin.content()
    admin.get_by_role("button", name="End it… Claims desk").click()
    found["ending"] = faults_everywhere(admin)
    admin.get_by_role("button", name="End the token").click()
    expect(admin.get_by_role("region", name="Tokens", exact=True)).not_to_contain_text("Claims desk")
    assert asked(admin, text) == 401
    assert {title: fault for title, fault in found.items() if fault} == {}


def test_t69_whoever_is_switched_off_is_at_the_door_with_the_next_click(world: World, at_desk: Desk) -> None:
    desks = [at_desk("reviewer"), at_desk("reviewer")]
    for desk in desks:
        desk.goto("/runs/")
    admin = at_desk("administrator")
    admin.goto("/settings/people/?member=" + str(world.reviewer.memberships.get().pk))
    admin.get_by_role("link", name="Sign out or switch off…").click()
    admin.locator("#sessions").get_by_role("link", name="sign in again").click()
    sign_in_again(admin)
    admin.get_by_label("Why switch them off").fill("The account was taken over.")
    found = {"person": faults_everywhere(admin, sizes=ALL_SIZES)}
    for size, scheme in (("wide", "light"), ("phone", "dark")):
        admin.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
        admin.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        admin.locator("#sessions").evaluate("one => one.scrollIntoView()")
        picture(admin, f"person-sessions-{size}-{scheme}")
    admin.set_viewport_size(WIDE)  # type: ignore[arg-type]
    admin.get_by_role("button", name="Switch reviewer off").click()
    expect(admin.locator("#sessions")).to_contain_text("administrator: switched off")
    found["off"] = faults_everywhere(admin, sizes=ALL_SIZES)
    for desk in desks:
        desk.get_by_role("link", name="Tools", exact=True).click()
        expect(desk.get_by_role("button", name="Sign in")).to_be_visible()
    assert {title: fault for title, fault in found.items() if fault} == {}


def test_one_ends_ones_other_sessions(world: World, at_desk: Desk) -> None:
    other, here = at_desk("operator"), at_desk("operator")
    rows = list(SignIn.objects.order_by("id"))
    with without_guards() as admin:  # nobody signed in by the form, which says it
        for row, device in zip(rows, ("Safari on an iPhone", "Firefox on Linux"), strict=True):
            admin.execute("UPDATE accounts_signin SET device = %s WHERE id = %s", [device, row.pk])
    other.goto("/runs/")
    here.goto("/settings/")
    expect(here.locator("h1")).to_have_text("Your sessions")
    expect(here.locator(".list-row")).to_have_count(2)
    assert faults_everywhere(here, "sessions", sizes=ALL_SIZES) == []
    here.get_by_role("button", name="End all others").click()
    expect(here.locator(".list-row")).to_have_count(1)
    other.reload()
    expect(other.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_looser_policy_waits_until_a_second_administrator_agrees(world: World, at_desk: Desk) -> None:
    change(world, {"rules": [{"id": "big", "about": {"tools": ["pay_odd"]}, "quorum": 2, "reason": "Two look."}]})
    admin = at_desk("administrator")
    admin.goto("/policy/entries/big/")
    admin.get_by_label("How many people").fill("1")
    admin.get_by_label("Why you change it").fill("Nobody was ever refused.")
    admin.get_by_role("button", name="Put in force").click()
    waits = admin.locator("#waits")
    expect(waits).to_contain_text("You are the only administrator here")
    found = {"alone": faults_everywhere(admin, "policy-waits-alone", sizes=ALL_SIZES)}
    world.people["second"] = second_administrator(world)
    second = at_desk("second")
    second.goto("/policy/")
    expect(second.locator("#waits")).to_contain_text("Nobody was ever refused.")
    found["waits"] = faults_everywhere(second, "policy-waits", sizes=ALL_SIZES)
    for asked in (True, False):
        second.get_by_label("What you say to it").fill("I looked at the last month.")
        expect(second.get_by_text("is asked for their password first")).to_have_count(int(asked))
        second.get_by_role("button", name="Agree, and put it in force").click()
        if asked:
            shows_anew(second, PASSWORD)
    expect(second.locator("#waits")).to_have_count(0)
    expect(second.locator("#big")).to_contain_text("need one person")
    second.get_by_label("Policy").get_by_role("link", name="History").click()
    expect(second.locator("main")).to_contain_text("and second agreed")
    assert {title: fault for title, fault in found.items() if fault} == {}


def test_what_does_not_fit_is_said_in_words_and_all_of_it_at_once(world: World, at_desk: Desk) -> None:
    admin = at_desk("administrator")
    admin.goto(f"/policy/try/?tool={world.tool('pay_odd').pk}")
    admin.get_by_label("To", exact=True).fill("somebody")
    admin.get_by_label("Amount").fill("a lot")
    admin.get_by_role("button", name="Try it").click()
    said = admin.locator(".findings")
    expect(said).to_contain_text("must be 1 to 9 digits, then perhaps “.” and 1 to 2 digits")
    admin.goto("/policy/new/?kind=rules")
    admin.get_by_label("Name", exact=True).fill("Not A Name")
    admin.locator("#f-tools").fill("send_mesage")
    admin.locator("#f-quorum").fill("many")
    admin.get_by_role("button", name="Put in force").click()
    for wrong in ("#e-id", "#e-tools", "#e-quorum", "#e-why"):
        expect(admin.locator(wrong)).to_be_visible()
    assert faults_everywhere(admin) == []
