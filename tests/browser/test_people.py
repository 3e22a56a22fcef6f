"""An administrator in a browser: somebody's roles and teams, and a team of their own making."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import SIZES, faults_everywhere
from tests.support.world import World

ALL_SIZES = tuple(SIZES)


def test_a_person_gets_a_role_and_a_team_and_no_page_has_a_fault(world: World, at_desk: Callable[..., Page]) -> None:
    admin = at_desk("administrator")
    admin.goto("/")
    admin.get_by_role("link", name="People", exact=True).first.click()
    found = {"people": faults_everywhere(admin, "people", sizes=ALL_SIZES)}
    admin.get_by_role("link", name="developer", exact=True).click()
    admin.get_by_role("checkbox", name="Auditor").check()
    roles = admin.locator("form", has=admin.get_by_role("button", name="Set the roles"))
    roles.get_by_label("Why").fill("Reads along from now on.")
    roles.get_by_role("button", name="Set the roles").click()
    expect(admin.locator("#chosen")).to_contain_text("roles developer → auditor, developer")
    found["person"] = faults_everywhere(admin, "people-change", sizes=ALL_SIZES)
    admin.get_by_role("link", name="What developer may do, and why").click()
    expect(admin.locator("#rights")).to_contain_text("as a member of auditors")
    found["why"] = faults_everywhere(admin, "person", sizes=ALL_SIZES)
    admin.get_by_role("link", name="Teams", exact=True).click()
    admin.get_by_label("Name").fill("finance")
    making = admin.locator("form", has=admin.get_by_role("button", name="Make the team"))
    making.get_by_label("Why").fill("Payments need two of them.")
    making.get_by_role("button", name="Make the team").click()
    expect(admin.locator("#h-in")).to_have_text("Who is in finance")
    joining = admin.locator("form", has=admin.get_by_role("button", name="Put in the team"))
    joining.get_by_label("Who joins").select_option(label="reviewer")
    joining.get_by_label("Why").fill("Knows the books.")
    joining.get_by_role("button", name="Put in the team").click()
    expect(admin.locator("#chosen")).to_contain_text("administrator put reviewer in")
    found["teams"] = faults_everywhere(admin, "teams", sizes=ALL_SIZES)
    assert {title: fault for title, fault in found.items() if fault} == {}
