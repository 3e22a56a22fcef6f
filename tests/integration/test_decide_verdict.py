"""happened, did_not_happen: only a person settles what nobody knows, once, and never the one it acts for."""

import pytest

from approvals.exceptions import AlreadyDecided, DigestMoved, NotPermitted, PrincipalMayNotDecide, ReasonMissing
from approvals.models import Action, Decision
from approvals.services.verdict import did_not_happen, happened
from approvals.tasks import execute_permitted, sign_permits
from tests.support import tools as odd
from tests.support.racing import kinds, race
from tests.support.voting import just_now
from tests.support.world import World, approved
from tools.models import Execution
from traces.models import Event


@pytest.fixture
def doubtful(world: World) -> Action:
    """An action of a tool that is neither, which broke off after its effect."""
    odd.reset()
    odd.ORDERS.append("break_after")
    action = world.staged("odd_neither", {"text": "once"})
    approved(world, action)
    sign_permits()
    execute_permitted()
    action.refresh_from_db()
    assert action.status == "uncertain"
    return action


def say(verb, world, action, *, by="reviewer", reason="I looked it up.", digest=""):
    return verb(
        actor=world.people[by],
        organization=world.organization.id,
        action_id=action.id,
        digest=digest or action.digest,
        reason=reason,
        signed_in_at=just_now(),
    )


@pytest.mark.parametrize(
    ("verb", "status", "code"), [(happened, "done", ""), (did_not_happen, "failed", "did_not_happen")]
)
def test_a_verdict_settles_the_action_and_its_ledger_row(verb, status, code, world: World, doubtful: Action) -> None:
    decision = say(verb, world, doubtful)
    doubtful.refresh_from_db()
    ledger = Execution.objects.get(action=doubtful.id)
    assert (doubtful.status, ledger.status, ledger.error_code) == (status, status, code)
    assert doubtful.settled_at is not None
    assert (decision.verb, decision.decider) == (verb.__name__, world.reviewer)
    for row in (doubtful.id, ledger.id):
        event = Event.objects.about(world.organization.id, row).last()
        assert (event.verb, event.source, event.target, event.reason) == (
            verb.__name__,
            "uncertain",
            status,
            "I looked it up.",
        )


def test_after_a_verdict_nothing_is_called_again(world: World, doubtful: Action) -> None:
    say(did_not_happen, world, doubtful)
    execute_permitted()
    assert len(odd.CALLS) == 1


def test_a_verdict_is_given_once(world: World, doubtful: Action) -> None:
    say(happened, world, doubtful)
    for verb in (happened, did_not_happen):
        with pytest.raises(AlreadyDecided):
            say(verb, world, doubtful, by="reviewer2")


def test_of_contrary_verdicts_at_the_same_moment_one_counts(world: World, doubtful: Action) -> None:
    came = race(
        *(
            lambda verb=verb, by=by: say(verb, world, doubtful, by=by)
            for verb in (happened, did_not_happen)
            for by in ("reviewer", "reviewer2")
        )
    )
    assert kinds(came) == {"Decision": 1, "AlreadyDecided": 3}
    doubtful.refresh_from_db()
    assert doubtful.status == Execution.objects.get(action=doubtful.id).status
    assert Decision.objects.filter(verb__in=["happened", "did_not_happen"]).count() == 1


def test_a_verdict_wants_a_reason_the_right_and_what_was_shown(world: World, doubtful: Action) -> None:
    for error, more in (
        (ReasonMissing, {"reason": " "}),
        (DigestMoved, {"digest": "sha256:2"}),
        (PrincipalMayNotDecide, {"by": "operator"}),
        (NotPermitted, {"by": "auditor"}),
    ):
        with pytest.raises(error):
            say(happened, world, doubtful, **more)
    doubtful.refresh_from_db()
    assert doubtful.status == "uncertain"


def test_there_is_no_verdict_on_what_is_not_in_doubt(world: World) -> None:
    action = world.staged()
    with pytest.raises(AlreadyDecided):
        say(happened, world, action)
    approved(world, action)
    with pytest.raises(AlreadyDecided):
        say(did_not_happen, world, action)
