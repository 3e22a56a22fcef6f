"""The inbox's lanes: what stands in which, for whom, and how many the side bar says there are."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.models import Action
from approvals.reading.lanes import LANES, OWN, Viewer, counts
from tests.support.many import copies, count_of, listed, page, shaped
from tests.support.sql import without_guards
from tests.support.voting import needing, policy, signed_in, yes
from tests.support.world import World
from tools.killswitch import ease, engage, release
from tools.models import ToolGroupObjectPermission

HOUR = "clock_timestamp() + interval '1 hour'"
SHORT = "clock_timestamp() + interval '5 minutes'"
OVER = "clock_timestamp() - interval '1 second'"


def taken(world: World, action: Action, by: str, until: str = HOUR) -> Action:
    """The action, taken by this person until then."""
    return shaped(action, assignee_id=f"'{world.people[by].pk}'", assigned_until=until)


def aside(world: World, action: Action) -> Action:
    """The action, set aside."""
    return shaped(action, held_by_id=f"'{world.reviewer2.pk}'", held_at="clock_timestamp()", held_reason="'later'")


def test_what_i_took_is_mine_and_nobody_elses(world: World) -> None:
    mine, theirs, free = world.staged(), world.staged(), world.staged()
    taken(world, mine, "reviewer")
    taken(world, theirs, "reviewer2")
    client = signed_in(world, "reviewer")
    assert listed(client, "lane=mine") == [mine.pk]
    assert listed(client, "lane=unclaimed") == [free.pk]
    assert set(listed(client)) == {mine.pk, theirs.pk, free.pk}
    assert listed(signed_in(world, "reviewer2"), "lane=mine") == [theirs.pk]


def test_what_was_taken_is_anybodys_again_when_its_time_is_over(world: World) -> None:
    action = taken(world, world.staged(), "reviewer", OVER)
    client = signed_in(world, "reviewer")
    assert listed(client, "lane=mine") == []
    assert listed(client, "lane=unclaimed") == [action.pk]
    assert "row-taken" not in page(client)


def test_a_row_says_who_has_taken_it(world: World) -> None:
    taken(world, world.staged(), "reviewer2")
    assert 'Taken by </span><span class="wrap">reviewer2' in page(signed_in(world, "reviewer"))
    assert "Taken by </span>you" in page(signed_in(world, "reviewer2"))


def test_leaving_soon_holds_what_leaves_by_itself_and_then_what_runs_out(world: World) -> None:
    far, near, leaving = world.staged(), world.staged(), world.staged()
    shaped(near, expires_at=SHORT)
    shaped(leaving, status="'scheduled'", due_at=HOUR)
    client = signed_in(world, "reviewer")
    assert listed(client, "lane=soon") == [leaving.pk, near.pk]
    assert listed(client) == [near.pk, far.pk]
    assert count_of(page(client), "soon") == "2"


def test_a_second_vote_is_asked_of_who_has_not_voted(world: World) -> None:
    needing(world, 2)
    action, untouched = world.staged(), world.staged()
    yes(world, world.reviewer2, action)
    assert listed(signed_in(world, "reviewer"), "lane=second") == [action.pk]
    assert listed(signed_in(world, "reviewer2"), "lane=second") == []
    assert "1 of 2 votes" in page(signed_in(world, "reviewer"), "lane=second")
    assert untouched.pk in listed(signed_in(world, "reviewer"))


def test_a_yes_to_an_earlier_version_asks_nobody_for_a_second(world: World) -> None:
    needing(world, 2)
    action = world.staged()
    yes(world, world.reviewer2, action)
    with without_guards() as admin:
        admin.execute("UPDATE approvals_revision SET number = 2 WHERE action_id = %s", [action.pk])
        admin.execute("UPDATE approvals_revision SET number = 1 WHERE action_id = %s", [action.pk])
        admin.execute("UPDATE approvals_decision SET revision_id = %s", [_another_revision(admin, action)])
    assert listed(signed_in(world, "reviewer"), "lane=second") == []


def _another_revision(admin: object, action: Action) -> object:
    admin.execute(  # type: ignore[attr-defined]
        "INSERT INTO approvals_revision SELECT (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(),"
        " 'number', 9))).* FROM approvals_revision r WHERE r.action_id = %s",
        [action.pk],
    )
    row = admin.execute(  # type: ignore[attr-defined]
        "SELECT id FROM approvals_revision WHERE action_id = %s AND number = 9", [action.pk]
    ).fetchone()
    return row[0]


def test_one_yes_that_is_enough_marks_nothing_and_the_first_of_several_does(world: World) -> None:
    alone = world.staged()
    yes(world, world.reviewer, alone)
    alone.refresh_from_db()
    assert alone.voted_at is None
    needing(world, 1, managers=1)
    several = world.staged()
    yes(world, world.reviewer, several)
    several.refresh_from_db()
    assert several.voted_at is not None
    assert listed(signed_in(world, "reviewer2"), "lane=second") == [several.pk]


def test_unknown_outcomes_and_what_takes_back_have_lanes_of_their_own(world: World) -> None:
    unknown, undoing, usual = world.staged(), world.staged(), world.staged()
    shaped(unknown, status="'uncertain'")
    shaped(undoing, undo_of=f"'{usual.pk}'")
    client = signed_in(world, "reviewer")
    assert listed(client, "lane=unknown") == [unknown.pk]
    assert listed(client, "lane=undo") == [undoing.pk]
    assert set(listed(client)) == {undoing.pk, usual.pk}


@pytest.mark.parametrize("scope", ["organization", "tool", "agent", "initiator", "run"])
def test_held_by_a_stop_is_what_the_stop_covers_until_it_is_released(world: World, scope: str) -> None:
    held = world.staged()
    other = world.staged("write_note", {"text": "Call back"})
    shaped(other, agent_id=f"'{_other_agent(world)}'", initiator_id=f"'{world.developer.pk}'")
    with without_guards() as admin:
        admin.execute(
            "UPDATE approvals_action a SET scopes = ARRAY['everything', 'agent:' || agent_id, 'initiator:' ||"
            " initiator_id, 'organization:' || organization_id, 'run:' || run, 'tool:' || tool_id]"
        )
    client = signed_in(world, "reviewer2")
    assert listed(client, "lane=stopped") == []
    target = {"tool": held.tool_id, "agent": held.agent_id, "initiator": held.initiator_id, "run": held.run}.get(scope)
    stop = engage(
        actor=world.administrator, organization=world.organization.pk, scope=scope, target=target, reason="a drill"
    )
    covered = {held.pk, other.pk} if scope == "organization" else {held.pk}
    assert set(listed(client, "lane=stopped")) == covered
    assert page(client).count("data-halted") == len(covered)
    assert count_of(page(client), "stopped") == str(len(covered))
    ease(actor=world.reviewer2, organization=world.organization.pk, switch_id=stop.pk)
    assert set(listed(client, "lane=stopped")) == covered
    release(actor=world.reviewer2, organization=world.organization.pk, switch_id=stop.pk)
    assert listed(client, "lane=stopped") == []


def _other_agent(world: World) -> object:
    from tests.support.api import outside_agent

    return outside_agent(world.organization, world.developer, "write_note").pk


def test_what_was_set_aside_is_out_of_the_way_and_not_out_of_sight(world: World) -> None:
    action = aside(world, world.staged())
    client = signed_in(world, "reviewer")
    assert listed(client) == listed(client, "lane=unclaimed") == []
    assert listed(client, "lane=aside") == [action.pk]
    assert "Set aside</span>" in page(client, "lane=aside")
    shaped(action, expires_at=SHORT)
    assert listed(client, "lane=soon") == [action.pk]


def test_an_open_question_is_said_in_the_row(world: World) -> None:
    shaped(world.staged(), asked_at="clock_timestamp()")
    assert "Question open" in page(signed_in(world, "reviewer"))


@pytest.mark.parametrize("lane", [*OWN, "unroutable"])
def test_no_lane_shows_what_this_person_may_not_decide_on(world: World, lane: str) -> None:
    """Neither what acts for them, nor another tool's, nor another organization's; whatever state it is in."""
    for status in ("in_review", "scheduled", "uncertain", "permitted"):
        own = world.staged(principals=(world.operator.id, world.reviewer.id))
        foreign = world.staged("write_note", {"text": "Call back"})
        for action in (own, foreign):
            shaped(
                action,
                status=f"'{status}'",
                due_at=SHORT,
                expires_at=SHORT,
                undo_of="gen_random_uuid()",
                unroutable="'nobody'",
                voted_at="clock_timestamp()",
                assignee_id=f"'{world.reviewer.pk}'",
                assigned_until=HOUR,
            )
    ToolGroupObjectPermission.objects.filter(content_object=world.tool("write_note")).delete()
    engage(
        actor=world.administrator, organization=world.organization.pk, scope="organization", target=None, reason="drill"
    )
    assert listed(signed_in(world, "reviewer"), f"lane={lane}") == []
    assert listed(signed_in(world, "outsider"), f"lane={lane}") == []


def test_the_side_bar_counts_what_the_lanes_hold_in_one_query(world: World) -> None:
    policy(world)
    for change in ({"status": "'uncertain'"}, {"undo_of": "gen_random_uuid()"}, {"expires_at": SHORT}):
        shaped(world.staged(), **change)
    world.staged()
    taken(world, world.staged(), "reviewer")
    aside(world, world.staged())
    viewer = Viewer.of(world.reviewer.memberships.get())
    assert (viewer.tools, viewer.stops) != (None, None)  # looked up before
    with CaptureQueriesContext(connection) as asked:
        held = counts(viewer, OWN)
    assert len(asked) == 1
    client = signed_in(world, "reviewer")
    assert held == {name: len(listed(client, f"lane={name}")) for name in OWN}
    assert held == {
        **dict.fromkeys(OWN, 0),
        "waiting": 4,
        "mine": 1,
        "unclaimed": 3,
        "soon": 1,
        "unknown": 1,
        "undo": 1,
        "aside": 1,
    }


def test_counts_made_once_for_nobody_are_those_of_whoever_asks(world: World) -> None:
    """The statement is the same for all; whose rows it counts is not."""
    taken(world, world.staged(), "reviewer")
    shaped(world.staged(), expires_at=SHORT)
    aside(world, world.staged())
    shaped(world.staged(), principals=f"ARRAY['{world.people['reviewer2'].pk}'::uuid]")
    for name, of in (("reviewer", 4), ("reviewer2", 3), ("reviewer", 4)):
        viewer = Viewer.of(world.people[name].memberships.get())
        each = {lane: LANES[lane].rows(viewer).count() for lane in OWN if lane != "soon"}
        assert viewer.stops == []
        assert viewer.held == {**each, "soon": 1}
        assert viewer.held["waiting"] + viewer.held["aside"] == of
        assert viewer.held["mine"] == (name == "reviewer")


def test_more_than_99_are_99_and_more(world: World) -> None:
    action = world.staged()
    with without_guards() as admin:
        copies(admin, action.pk, 120)
    text = page(signed_in(world, "reviewer"))
    assert count_of(text, "unclaimed") == "99+"
    assert '<span class="count">99+<' in text


def test_a_list_asks_no_more_for_many_rows_than_for_few(world: World) -> None:
    needing(world, 2, finance=1)
    action = world.staged()
    yes(world, world.reviewer2, action)
    with without_guards() as admin:
        copies(admin, action.pk, 2)
    client = signed_in(world, "reviewer")
    page(client)
    with CaptureQueriesContext(connection) as few:
        assert len(listed(client)) == 3
    with without_guards() as admin:
        copies(admin, action.pk, 20)
    with CaptureQueriesContext(connection) as many:
        assert len(listed(client)) == 23
    assert len(many) == len(few)


@pytest.mark.parametrize("lane", LANES)
def test_an_empty_lane_says_what_would_stand_in_it(world: World, lane: str) -> None:
    text = page(signed_in(world, "reviewer"), f"lane={lane}")
    assert f"<h1>{LANES[lane].title}</h1>" in text
    assert LANES[lane].about in text
    assert LANES[lane].empty in text


def test_a_lane_that_there_is_not_is_refused(world: World) -> None:
    assert signed_in(world, "reviewer").get("/?lane=everything").status_code == 400
