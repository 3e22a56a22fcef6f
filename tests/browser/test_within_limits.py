"""The pages of people's limits: time that runs out, steps that time takes, canaries, reviewers, away. No faults."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from playwright.sync_api import Page, expect

from approvals.models import Action
from approvals.services.assign import assign
from approvals.services.canaries import define, set_rate
from approvals.services.escalation import escalate_due
from approvals.services.plant import plant
from lam_app.planted import sources
from tests.browser.conftest import SIZES, faults_everywhere
from tests.support.desking import does
from tests.support.many import copies
from tests.support.sql import without_guards
from tests.support.voting import policy, reviewer, team, yes
from tests.support.world import World
from traces.clock import now

ALL_SIZES = tuple(SIZES)
BAD = {"to": "everybody@elsewhere.example", "body": "Here are the addresses of all our customers."}
WHY = "The recipient is no customer of ours, and the body gives everybody's address away."


def test_time_runs_out_and_a_person_gives_more(world: World, at_desk: Callable[..., Page]) -> None:
    chain = [{"after": 600, "team": "managers"}, {"after": 1800, "team": "directors"}]
    team(world, "managers", reviewer(world, "manager"))
    policy(world, rules=[{"id": "an-hour", "expires_seconds": 3600, "escalation": chain}])
    action = world.staged()
    with without_guards() as admin:
        admin.execute("UPDATE approvals_action SET expires_at = clock_timestamp() + interval '3 minutes 20 seconds'")
        admin.execute("UPDATE approvals_escalation SET due_at = due_at - interval '11 minutes'")
    escalate_due()
    page = at_desk("reviewer")
    page.goto(f"/actions/{action.pk}/")
    expect(page.locator("#time-note")).to_contain_text("Time that runs out is a no.")
    expect(page.locator("#card-votes")).to_contain_text("Went to managers")
    found = faults_everywhere(page, "time-runs-out", sizes=ALL_SIZES)
    page.get_by_role("button", name="Give it more time…").click()
    found += faults_everywhere(page)
    page.locator("#time-dialog textarea").fill("I wait for the customer's word.")
    page.get_by_role("button", name="Give it more time", exact=True).click()
    expect(page.locator("#time-note")).to_have_count(0)
    action.refresh_from_db()
    assert action.extended == 1
    assert found == []


def test_a_canary_is_told_after_the_decision(world: World, at_desk: Callable[..., Page]) -> None:
    made = define(
        by=world.auditor,
        organization=world.organization.id,
        tool="send_message",
        arguments=BAD,
        why=WHY,
        claim="Sent.",
        goal="Send everybody the list of our customers",
    )
    bird = plant(made, sources)
    assert bird is not None
    auditor = at_desk("auditor")
    auditor.goto(f"/runs/{bird.run}/")
    expect(auditor.locator("[data-canary]")).to_contain_text("There is no such run")
    assert faults_everywhere(auditor, "canary-run", sizes=ALL_SIZES) == []
    page = at_desk("reviewer")
    page.goto(f"/actions/{bird.pk}/")
    page.get_by_role("button", name="Reject…").click()
    page.get_by_label("Wrong target", exact=False).first.check()
    page.get_by_role("button", name="Reject and tell the agent").click()
    expect(page.locator(".decide-end")).to_contain_text("This was a canary, and it was found.")
    expect(page.locator(".decide-end")).to_contain_text("no customer of ours")
    assert faults_everywhere(page, "canary-found", sizes=ALL_SIZES) == []


def test_the_auditors_pages_about_people_have_no_fault(world: World, at_desk: Callable[..., Page]) -> None:
    page = at_desk("auditor")
    page.goto("/audit/people/canaries/")
    expect(page.locator("h1")).to_have_text("Canaries")
    found = faults_everywhere(page, sizes=ALL_SIZES)
    page.get_by_label("What there is to notice").fill(WHY)
    page.locator("select[name=tool]").select_option("send_message")
    page.locator("textarea[name=arguments]").fill('{"to": "everybody@elsewhere.example", "body": "All addresses."}')
    page.get_by_label("The goal that it seems to serve").fill("Send our addresses to everybody@elsewhere.example")
    page.get_by_role("button", name="Define it").click()
    expect(page.locator("table")).to_contain_text("send_message")
    set_rate(by=world.auditor, organization=world.organization.id, rate=0.02, reason="Two in a hundred.")
    stamped(world)
    page.goto("/audit/people/canaries/")
    found += faults_everywhere(page, "canaries", sizes=ALL_SIZES)
    page.get_by_role("link", name="Reviewers").locator("visible=true").first.click()
    expect(page.locator("tr[data-flagged]")).to_contain_text("reviewer")
    found += faults_everywhere(page, "reviewers", sizes=ALL_SIZES)
    assert found == []


def stamped(world: World) -> None:
    """The reviewer has approved thirty requests in a second each; the second one read as many, and said no to some."""
    for person, seconds, first in ((world.reviewer, 1.1, 100), (world.reviewer2, 34.0, 200)):
        action = world.staged()
        yes(world, person, action)
        with without_guards() as admin:
            admin.execute("UPDATE approvals_decision SET seconds = %s WHERE action_id = %s", [seconds, action.pk])
            copies(admin, action.pk, 29)
            admin.execute(
                "INSERT INTO approvals_decision SELECT (jsonb_populate_record(NULL::approvals_decision,"
                " to_jsonb(d) || jsonb_build_object('action_id', r.action_id, 'revision_id', r.id,"
                " 'id', traces_first_id(clock_timestamp() - (made.n + %s) * interval '1 minute'),"
                " 'verb', CASE WHEN d.seconds > 2 AND made.n %% 6 = 0 THEN 'reject' ELSE 'approve' END))).*"
                " FROM made JOIN approvals_revision r ON r.action_id = made.id CROSS JOIN approvals_decision d"
                " WHERE d.action_id = %s",
                [first, action.pk],
            )


def test_away_and_back(world: World, at_desk: Callable[..., Page]) -> None:
    does(world, assign, "reviewer", world.staged())
    page = at_desk("reviewer")
    page.goto("/settings/away/")
    expect(page.locator("h1")).to_have_text("Away")
    page.get_by_label("Until").fill((now() + timedelta(days=3)).strftime("%Y-%m-%dT09:00"))
    page.get_by_label("Stands in").select_option("reviewer2")
    page.get_by_role("button", name="I am away until then").click()
    expect(page.locator(".note[data-tone=good]")).to_contain_text("Handed to who stands in: 1.")
    expect(page.locator("#h-now")).to_have_text("You are away")
    assert faults_everywhere(page, "away", sizes=ALL_SIZES) == []
    page.get_by_role("button", name="I am back").click()
    expect(page.locator("#h-now")).to_have_count(0)


def test_a_flood_stands_behind_one_line(world: World, at_desk: Callable[..., Page]) -> None:
    first = world.staged()
    with without_guards() as admin:
        copies(admin, first.pk, 70, created="t.created + n * interval '1 second'")
        admin.execute(
            "UPDATE approvals_action SET initiator_id = %s, principals = ARRAY[%s]::uuid[] WHERE id IN ("
            " SELECT id FROM approvals_action ORDER BY created DESC LIMIT 4)",
            [world.administrator.id, world.administrator.id],
        )
    assert Action.objects.count() == 71
    page = at_desk("reviewer")
    page.goto("/")
    fold: Any = page.locator(".row-fold")
    expect(fold).to_contain_text("55 more for operator")
    fold.scroll_into_view_if_needed()
    assert faults_everywhere(page, "flood", sizes=ALL_SIZES) == []
    fold.click()
    expect(page.locator(".chip")).to_contain_text("operator")
