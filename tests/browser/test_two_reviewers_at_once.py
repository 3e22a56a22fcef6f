"""Two people look at the same card. One word counts; the other is told what happened, and nothing is done twice."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import faults_everywhere, give_goal, picture, says_yes
from tests.support.up import Up


def test_the_second_approval_meets_the_current_state(product: Up, sign_in: Callable[..., Page]) -> None:
    give_goal(sign_in("operator"), "Tell the customer of order 1007 that it is delayed until Sunday")
    first, second = sign_in("reviewer"), sign_in("reviewer2")
    for person in (first, second):
        person.goto("/")
        person.locator(".row", has_text="1007").click()
        expect(person.locator("#sentence")).to_contain_text("1007")
    second.route("**/live/**", lambda route: route.abort())  # the second page does not learn of it in time
    says_yes(first)
    expect(first.locator("#card-status")).to_have_text("Done")
    with second.expect_response("**/decide/") as answered:
        says_yes(second)
    assert answered.value.status == 409
    expect(second.get_by_role("alert")).to_contain_text("Somebody was first")
    expect(second.get_by_role("button", name=re.compile("^Approve"))).to_have_count(0)
    assert faults_everywhere(second) == []
    picture(second, "somebody-was-first")
    sent = [line for line in product.office.ledger(operation="send_message") if "1007" in line["arguments"]["to"]]
    assert [line["applied"] for line in sent] == [True]


def test_an_open_card_learns_that_somebody_decided(sign_in: Callable[..., Page]) -> None:
    give_goal(sign_in("operator"), "Tell the customer of order 1008 that it is delayed until Sunday")
    first, second = sign_in("reviewer"), sign_in("reviewer2")
    for person in (first, second):
        person.goto("/")
        person.locator(".row", has_text="1008").click()
        expect(person.locator("#sentence")).to_contain_text("1008")
    says_yes(first)
    expect(second.locator("#card-status")).to_have_text("Done")
    expect(second.get_by_role("button", name=re.compile("^Approve"))).to_have_count(0)
    expect(second.locator("#card-votes")).to_contain_text("reviewer approved")


def test_new_requests_wait_behind_a_pill_and_move_nothing(sign_in: Callable[..., Page]) -> None:
    operator, reviewer = sign_in("operator"), sign_in("reviewer")
    give_goal(operator, "Tell the customer of order 1022 that it is delayed until Sunday")
    reviewer.goto("/")
    before, place = reviewer.locator(".row").count(), reviewer.locator(".row").first.bounding_box()
    give_goal(operator, "Tell the customer of order 1023 that it is delayed until Sunday")
    pill = reviewer.locator(".pill-new")
    expect(pill).to_contain_text("1 new")
    assert reviewer.locator(".row").count() == before
    assert reviewer.locator(".row").first.bounding_box() == place
    assert faults_everywhere(reviewer) == []
    pill.click()
    expect(reviewer.locator(".row", has_text="1023")).to_be_visible()
