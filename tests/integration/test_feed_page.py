"""The live feed's page, and the news that it asks for: who sees which calls, and with which presses."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from accounts.actors import person
from accounts.rows import within
from approvals.models import Action
from approvals.reading import changes, feed
from approvals.reading.changes import Place, Reader, here, look
from approvals.services.hold import hold
from approvals.services.veto import veto
from approvals.tasks import execute_permitted, sign_permits
from tests.support.desking import leaving, on, overdue
from tests.support.tools import reset
from tests.support.up import until
from tests.support.voting import signed_in
from tests.support.world import World
from tools.killswitch import engage
from tools.models import Tool
from traces.services import Entry, record


def told(client: Client, after: str = "", wants: str = "feed") -> dict[str, Any]:
    """What the page is told that was at this place."""
    answer = client.get("/feed/news/", {"after": after, "wants": wants})
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def ran(world: World) -> Action:
    """A call that has just left by itself and was done."""
    reset()
    Tool.objects.filter(organization=world.organization, name="put_odd").update(
        maturity="on_the_loop", veto_seconds=0, version=world.tool("put_odd").version
    )
    action = world.staged("put_odd", {"thing": "cup"})
    if action.status == "scheduled":
        from approvals.services.leave import leave

        overdue(action)
        leave()
    sign_permits()
    execute_permitted()
    action.refresh_from_db()
    assert action.status == "done"
    return action


def test_what_leaves_stands_there_with_its_presses_for_whoever_may_decide(world: World) -> None:
    action = leaving(world, 60)
    page = signed_in(world, "reviewer").get("/feed/").content.decode()
    assert f'id="line-{action.pk}"' in page
    assert f'data-until="{action.due_at.isoformat()}"' in page  # type: ignore[union-attr]
    assert 'value="hold"' in page
    assert 'value="veto"' in page
    assert action.digest in page
    assert f"/stop/?run={action.run}" in page


@pytest.mark.parametrize(("name", "sees"), [("operator", True), ("auditor", True), ("developer", False)])
def test_whoever_may_not_decide_gets_no_press_and_a_stranger_to_the_call_no_line(
    world: World, name: str, sees: bool
) -> None:
    action = leaving(world, 60)
    page = signed_in(world, name).get("/feed/").content.decode()
    assert (f'id="line-{action.pk}"' in page) is sees
    assert 'value="veto"' not in page


def test_nothing_of_another_organization_is_there(world: World) -> None:
    action = leaving(world, 60)
    outsider = signed_in(world, "outsider")
    assert str(action.pk) not in outsider.get("/feed/").content.decode()
    assert told(outsider)["rows"] == []


def test_what_ran_by_itself_stands_below_and_its_initiator_can_ask_for_its_undoing(world: World) -> None:
    action = ran(world)
    operator = signed_in(world, "operator").get("/feed/").content.decode()
    assert f"/runs/{action.run}/undo/?step={action.step}" in operator
    reviewer = signed_in(world, "reviewer").get("/feed/").content.decode()
    assert f'id="line-{action.pk}"' in reviewer
    assert "/undo/" not in reviewer


def test_what_a_person_looked_at_beforehand_is_no_news(world: World) -> None:
    reviewer = signed_in(world, "reviewer")
    place = told(reviewer)["place"]
    world.staged()
    found = told(reviewer, place)
    assert (found["rows"], found["waits"]) == ([], False)
    assert told(reviewer, place, "inbox")["waits"] is True


def test_a_veto_in_the_feed_is_the_verb_s_and_is_told_at_once(world: World) -> None:
    action = leaving(world, 60)
    reviewer = signed_in(world, "reviewer")
    place = told(reviewer)["place"]
    form = {"decision": "veto", "digest": action.digest, "reason": "On its way out, in the live feed."}
    assert reviewer.post(f"/actions/{action.pk}/decide/", form).status_code == 302
    (row,) = told(reviewer, place)["rows"]
    assert (row["id"], row["part"], row["status"]) == (str(action.pk), "ran", "rejected")
    assert "vetoed by reviewer" in row["html"]


def test_what_is_held_stays_among_what_leaves_and_says_who_holds_it(world: World) -> None:
    action = leaving(world, 60)
    reviewer = signed_in(world, "reviewer")
    place = told(reviewer)["place"]
    on(world, hold, "reviewer2", action)
    (row,) = told(reviewer, place)["rows"]
    assert (row["part"], row["status"]) == ("leaving", "in_review")
    assert "held by reviewer2, nothing leaves" in row["html"]
    assert [one["part"] for one in told(reviewer)["rows"]] == ["leaving"]


def test_a_stop_is_told_and_what_it_holds_back_says_so(world: World) -> None:
    leaving(world, 60)
    reviewer = signed_in(world, "reviewer")
    place = told(reviewer)["place"]
    engage(
        actor=world.administrator,
        organization=world.organization.pk,
        scope="tool",
        target=world.tool("put_odd").pk,
        reason="a drill",
    )
    assert told(reviewer, place)["stops"] is True
    (row,) = told(reviewer)["rows"]
    assert "held by a stop" in row["html"]


@pytest.mark.parametrize("after", ["", "nonsense", "a.b.c", "0" * 32 + ".1.1", "x" * 300])
def test_a_page_from_nowhere_is_shown_everything(world: World, after: str) -> None:
    action = leaving(world, 60)
    found = told(signed_in(world, "reviewer"), after)
    assert found["state"] is True
    assert [row["id"] for row in found["rows"]] == [str(action.pk)]


def test_t64_a_place_in_another_organization_s_record_leads_to_nothing_of_it(world: World) -> None:
    theirs = told(signed_in(world, "reviewer"))["place"]
    leaving(world, 60)
    found = told(signed_in(world, "outsider"), theirs)
    assert (found["rows"], found["state"]) == ([], True)
    assert Place.read(theirs, world.elsewhere.pk) is None


def test_a_page_from_very_long_ago_is_shown_everything(world: World) -> None:
    place = here(world.organization.pk)
    old = Place(place.organization, place.horizon, place.floor - changes.OLDEST)
    assert told(signed_in(world, "reviewer"), str(old))["state"] is True


def test_a_place_in_the_future_of_a_database_that_was_put_back_is_none(world: World) -> None:
    place = here(world.organization.pk)
    assert told(signed_in(world, "reviewer"), str(Place(place.organization, 1 << 60, place.floor)))["state"] is True


@pytest.mark.parametrize("query", [{"wants": "everything"}, {"organization": "demo"}, {"token": "x"}])
def test_other_questions_are_refused(world: World, query: dict[str, str]) -> None:
    assert signed_in(world, "reviewer").get("/feed/news/", query).status_code == 400


def test_what_commits_late_is_not_passed_over_and_nothing_is_given_twice(world: World) -> None:
    organization = world.organization.pk
    written, go = threading.Event(), threading.Event()
    late, early = leaving(world, 60), leaving(world, 60)

    def slowly() -> None:
        try:
            with transaction.atomic():
                record(entry(world, late))
                written.set()
                assert go.wait(20)
        finally:
            connection.close()

    reader = Reader(here(organization))
    thread = threading.Thread(target=slowly)
    thread.start()
    assert written.wait(20)
    record(entry(world, early))
    first = [change.subject for change in reader.next().changes]
    assert first == [early.pk]
    assert reader.next().changes == []
    go.set()
    thread.join()
    second = reader.next().changes
    assert [change.subject for change in second] == [late.pk]
    assert second[0].event < max(reader.known, default=second[0].event) or second[0].transaction < reader.place.horizon
    assert reader.next().changes == []


def test_a_look_finds_events_in_pieces_and_loses_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MOST", 3)
    monkeypatch.setattr(look, "__kwdefaults__", {"most": 3})
    action = leaving(world, 60)
    reader = Reader(here(world.organization.pk))
    for _ in range(8):
        record(entry(world, action))
    found = []
    while more := reader.next().changes:
        assert len(more) <= 3
        found += [change.event for change in more]
    assert len(found) == len(set(found)) == 8


def test_the_place_moves_on_so_that_a_look_reads_seconds_and_not_the_whole_record(world: World) -> None:
    reader = Reader(here(world.organization.pk))
    before = reader.place.floor
    reader.next()
    record(entry(world, leaving(world, 60)))

    def moved_on() -> bool:
        reader.next()
        return reader.place.floor > before and reader.known == {}

    until(moved_on, 30, "older transactions of the cluster have ended, and it moves on")


def test_a_line_costs_no_more_queries_for_many_than_for_one(world: World, django_assert_max_num_queries: Any) -> None:
    actions = [leaving(world, 60) for _ in range(6)]
    with within(world.organization.pk), django_assert_max_num_queries(6):
        assert len(feed.changed(world.organization.pk, [action.pk for action in actions])) == 6


def test_too_late_is_said_as_a_problem_that_the_page_can_show(world: World) -> None:
    action = ran(world)
    form = {"decision": "veto", "digest": action.digest, "reason": "no"}
    answer = signed_in(world, "reviewer").post(
        f"/actions/{action.pk}/decide/", form, headers={"Accept": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "already_decided")


def test_who_loses_the_right_to_a_tool_is_told_nothing_of_it_any_more(world: World) -> None:
    action = leaving(world, 60)
    reviewer = signed_in(world, "reviewer")
    place = told(reviewer)["place"]
    world.reviewer.groups.clear()
    on(world, veto, "reviewer2", action)
    assert told(reviewer, place)["rows"] == []


def entry(world: World, action: Action) -> Entry:
    """Something that happened to it."""
    return Entry(
        organization=world.organization.pk,
        actor=person(world.reviewer),
        verb="looked",
        subject_kind="action",
        subject=action.pk,
    )
