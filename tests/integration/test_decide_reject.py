"""reject: a person's no is final, wants a reason, and outweighs any number of yeses so far."""

from typing import Any

import psycopg
import pytest

from approvals.codes import CODES, told, words
from approvals.exceptions import AlreadyDecided, DigestMoved, PrincipalMayNotDecide, ReasonMissing
from approvals.models import Action, Decision
from approvals.services.reject import reject
from approvals.tasks import execute_permitted, sign_permits
from tests.support.forging import decision_by
from tests.support.sql import refusal
from tests.support.voting import browser, decide, two_needed
from tests.support.world import World, approved
from tools.models import OutboxMessage
from traces.models import Event


def reject_as(world: World, name: str, action: Action, reason: str = "Not like this.", digest: str = "") -> Decision:
    return reject(
        actor=world.people[name],
        organization=world.organization.id,
        action_id=action.id,
        digest=digest or action.digest,
        reason=reason,
    )


def test_a_no_settles_the_action_and_nothing_ever_happens(world: World) -> None:
    action = world.staged()
    reject_as(world, "reviewer", action)
    action.refresh_from_db()
    assert (action.status, action.settled_at is not None) == ("rejected", True)
    assert sign_permits() == execute_permitted() == 0
    assert not OutboxMessage.objects.exists()
    assert [e.verb for e in Event.objects.about(world.organization.id, action.id)][-2:] == ["reject", "rejected"]


def test_a_no_says_why(world: World) -> None:
    action = world.staged()
    for reason in ("", "  \n\t"):
        with pytest.raises(ReasonMissing) as caught:
            reject_as(world, "reviewer", action, reason)
        assert (caught.value.http_status, caught.value.extra["errors"].keys()) == (422, {"reason"})
    assert Action.objects.get(id=action.id).status == "in_review"


def test_one_no_outweighs_the_yeses_so_far(world: World) -> None:
    action = two_needed(world)
    approved(world, action)
    reject_as(world, "reviewer2", action)
    assert Action.objects.get(id=action.id).status == "rejected"
    with pytest.raises(AlreadyDecided):
        approved(world, action)


def test_t29_a_no_after_a_yes_comes_too_late(world: World) -> None:
    action = world.staged()
    approved(world, action)
    with pytest.raises(AlreadyDecided):
        reject_as(world, "reviewer2", action)
    assert Action.objects.get(id=action.id).status == "permitted"


def test_whoever_voted_yes_cannot_vote_no_as_well(world: World) -> None:
    action = two_needed(world)
    approved(world, action)
    with pytest.raises(AlreadyDecided):
        reject_as(world, "reviewer", action)
    assert Action.objects.get(id=action.id).status == "in_review"


def test_a_no_names_what_was_shown_and_is_not_the_initiators(world: World) -> None:
    action = world.staged()
    with pytest.raises(DigestMoved):
        reject_as(world, "reviewer", action, digest="sha256:1")
    with pytest.raises(PrincipalMayNotDecide):
        reject_as(world, "operator", action)
    attempts = Event.objects.filter(verb="refused", subject=action.id).values_list("actor_name", flat=True)
    assert set(attempts) == {"reviewer", "operator"}


def test_a_no_carries_a_word_that_can_be_counted_and_says_it_where_nothing_else_is_said(world: World) -> None:
    client = browser(world, "reviewer")
    action, other, third = world.staged(), world.staged(), world.staged()
    assert decide(client, action, "reject", code="duplicate").status_code == 302
    assert decide(client, other, "reject", code="duplicate", reason="Twice on Monday.").status_code == 302
    assert decide(client, third, "reject", code="other").status_code == 422
    assert decide(client, third, "reject", reason="Plainly not.").status_code == 302
    found = Decision.objects.order_by("id").values_list("code", "reason")
    assert list(found) == [
        ("duplicate", "It was done already."), ("duplicate", "Twice on Monday."), ("", "Plainly not."),
    ]  # fmt: skip


def test_only_a_no_has_such_a_word_and_only_one_that_there_is(world: World, as_web: psycopg.Connection[Any]) -> None:
    action = world.staged()
    client = browser(world, "reviewer")
    assert decide(client, action, "reject", code="boring", reason="x").status_code == 400
    assert decide(client, action, "approve", code="duplicate").status_code == 400
    for verb, code in (("reject", "boring"), ("approve", "duplicate")):
        sql, params = decision_by(world.reviewer, action, verb=verb)
        sql = sql.replace("reason)", "reason, code)").replace("'')", "'', %(code)s)")
        refused, words = refusal(as_web, sql, {**params, "code": code})
        assert (refused, "decision_code" in words) == ("23514", True)


def test_every_word_of_a_no_fits_its_column_and_tells_the_planner_not_to_try_again() -> None:
    for code in CODES:
        assert len(code.value) <= 24
        assert told(code.value, "Because.").endswith("Because. Do not retry this call.")
    assert told("", "Because.") == "Because. Do not retry this call."
    assert words("nothing of ours") == ""
