"""A tool that can say what a call would do is asked first: until its answer has come, an action stays PROPOSED."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from approvals.models import Action, Permit, PreviewRow
from approvals.policy import DryRun, DryRunState, Facts
from approvals.services import preview
from approvals.services.withdraw import withdraw_run
from approvals.tasks import execute_permitted, rule_previewed, run_previews, sign_permits
from lam_app.sweep import sweep
from tests.integration.test_take_over import gone
from tests.support import seeing
from tests.support.racing import acting_as
from tests.support.sql import without_guards
from tests.support.stops import lift
from tests.support.world import World, approved
from tools.killswitch import engage
from tools.looking import look
from tools.models import Note, Tool
from tools.presence import present
from traces.ids import uuid7
from traces.models import Event
from traces.services import Actor

THING = {"thing": "T-1"}


@pytest.fixture(autouse=True)
def _shelf() -> Iterator[None]:
    seeing.reset()
    yield
    seeing.reset()


def staged(world: World, tool: str = "shut_thing", **more: Any) -> Action:
    """A call of a tool that is asked first."""
    return world.staged(tool, THING, **more)


def answered() -> int:
    """The executor asks, the gatekeeper rules; how many were ruled on."""
    run_previews()
    return rule_previewed()


def dry_run(action: Action) -> DryRun:
    """What the current revision was judged with."""
    action.refresh_from_db()
    return Facts.from_json(json.loads(action.revisions.get(number=action.revision).facts)).dry_run


def freely(tool: str = "shut_thing", **more: Any) -> None:
    """The tool runs without a person."""
    Tool.objects.filter(name=tool).update(maturity="audit_only", **more)


def test_an_action_waits_proposed_until_its_preview_has_come_and_then_goes_where_its_ruling_says(world: World) -> None:
    action = staged(world)
    assert (action.status, action.revision) == ("proposed", 1)
    assert dry_run(action).state is DryRunState.AWAITED
    assert seeing.LOOKS == []  # whoever proposes asks nothing
    assert sign_permits() == execute_permitted() == 0
    assert run_previews() == 1
    action.refresh_from_db()
    assert action.status == "proposed"  # the executor's word moves nothing
    assert rule_previewed() == 1
    told = dry_run(action)
    assert (action.status, action.revision) == ("in_review", 2)
    assert (told.state, told.text, told.affected) == (DryRunState.DONE, "Shuts Blue kettle", 1)
    assert told.effect == {
        "changes": [{"label": "State", "before": "open", "after": "shut"}],
        "records": [{"path": "thing", "name": "Blue kettle"}],
    }
    assert seeing.CALLS == []
    event = Event.objects.get(subject=action.id, verb="ruled")
    assert (event.source, event.target) == ("proposed", "in_review")


def test_what_is_approved_after_its_preview_runs_once(world: World) -> None:
    action = staged(world)
    answered()
    action.refresh_from_db()
    approved(world, action)
    assert sign_permits() == execute_permitted() == 1
    action.refresh_from_db()
    assert action.status == "done"
    assert seeing.CALLS == ["T-1"]
    assert seeing.LOOKS == ["T-1", "T-1"]  # when it was proposed, and right before the call


def test_what_the_policy_lets_go_needs_no_person_for_having_been_asked_about(world: World) -> None:
    freely()
    action = staged(world)
    assert action.status == "proposed"
    assert answered() == 1
    action.refresh_from_db()
    assert (action.status, action.revision) == ("permitted", 2)
    assert sign_permits() == execute_permitted() == 1
    assert Permit.objects.get().deciders == []
    assert seeing.CALLS == ["T-1"]


def test_a_time_to_object_begins_when_it_can_be_seen_what_would_happen(world: World) -> None:
    Tool.objects.filter(name="shut_thing").update(maturity="on_the_loop", veto_seconds=60)
    action = staged(world)
    assert action.due_at is None
    answered()
    action.refresh_from_db()
    assert action.status == "scheduled"
    assert action.due_at is not None
    assert action.due_at >= Event.objects.get(subject=action.id, verb="proposed").at


def test_a_call_that_may_not_be_made_is_denied_and_its_tool_is_not_asked(world: World) -> None:
    Tool.objects.filter(name="shut_thing").update(forbidden=True)
    action = staged(world)
    assert action.status == "denied"
    assert run_previews() == 0
    assert (seeing.LOOKS, PreviewRow.objects.count()) == ([], 0)


def test_arguments_that_do_not_fit_never_reach_the_tool(world: World) -> None:
    assert world.staged("shut_thing", {"thing": ""}).status == "denied"
    assert run_previews() == 0
    assert seeing.LOOKS == []


def test_a_call_that_the_tool_says_would_fail_is_denied_in_the_tools_words(world: World) -> None:
    seeing.ORDERS.append("refuse")
    action = staged(world)
    answered()
    action.refresh_from_db()
    assert (action.status, dry_run(action).state) == ("denied", DryRunState.REFUSED)
    assert "It is nailed shut." in Event.objects.get(subject=action.id, verb="ruled").reason
    assert action.settled_at is not None


@pytest.mark.parametrize("order", ["break", "nonsense"])
def test_a_tool_that_cannot_be_asked_brings_the_call_to_people(order: str, world: World) -> None:
    freely()
    seeing.ORDERS.append(order)
    action = staged(world)
    answered()
    assert dry_run(action).state is DryRunState.FAILED
    assert action.status == "in_review"
    approved(world, action)  # a person may let it go all the same, and it is not asked again
    assert sign_permits() == execute_permitted() == 1
    assert seeing.LOOKS == ["T-1"]


def test_a_preview_that_writes_has_failed_and_wrote_nothing(world: World) -> None:
    seeing.ORDERS.append("write")
    action = staged(world)
    answered()
    assert dry_run(action).state is DryRunState.FAILED
    assert not Note.objects.exists()


def test_what_a_dead_executor_asked_is_asked_again(world: World) -> None:
    action = staged(world)
    lost = gone()
    assert preview.take(lost) is not None
    assert run_previews() == 0  # it may still be asking
    sweep()  # buries the dead
    assert run_previews() == 1
    assert rule_previewed() == 1
    action.refresh_from_db()
    assert action.status == "in_review"


def test_an_answer_that_comes_after_another_executor_took_over_is_nobodys(world: World) -> None:
    staged(world)
    lost = gone()
    row = preview.take(lost)
    assert row is not None
    late = look(*preview.question(row))
    sweep()
    mine = preview.take(present("executor").worker)
    assert mine is not None
    assert preview.answer(row, late, worker=lost) is False
    assert preview.answer(mine, late, worker=present("executor").worker) is True


def test_a_question_that_kills_whoever_asks_it_is_given_up(world: World) -> None:
    action = staged(world)
    for _ in range(preview.MOST_ATTEMPTS):
        assert preview.take(gone()) is not None
        sweep()
    assert preview.take(present("executor").worker) is None
    assert rule_previewed() == 1
    assert (dry_run(action).state, action.status) == (DryRunState.FAILED, "in_review")


def test_a_preview_that_never_comes_has_failed_and_people_look(world: World) -> None:
    action = staged(world)
    assert preview.give_up() == 0  # not yet
    with without_guards() as admin:
        admin.execute("UPDATE approvals_preview SET asked_at = asked_at - interval '1 hour'")
    assert "approvals.tasks.rule_previewed" in sweep()
    assert rule_previewed() == 1
    assert (dry_run(action).state, action.status) == (DryRunState.FAILED, "in_review")
    assert "No answer came" in dry_run(action).text


def test_the_sweep_finds_questions_and_answers_that_no_message_told_of(world: World) -> None:
    staged(world)
    assert "approvals.tasks.run_previews" in sweep()
    run_previews()
    rung = sweep()
    assert "approvals.tasks.run_previews" not in rung
    assert "approvals.tasks.rule_previewed" in rung
    rule_previewed()
    assert not {"approvals.tasks.run_previews", "approvals.tasks.rule_previewed"} & set(sweep())


def test_under_a_stop_nothing_is_asked_and_what_was_only_proposed_is_halted(world: World) -> None:
    answered_before = staged(world)
    run_previews()
    action = staged(world)
    tool = world.tool("shut_thing").id
    stop = engage(actor=world.reviewer, organization=world.organization.id, scope="tool", target=tool, reason="Wait.")
    later = staged(world)
    assert later.status == "denied"
    seeing.LOOKS.clear()
    assert run_previews() == rule_previewed() == 0
    sweep()
    for each in (action, answered_before):
        each.refresh_from_db()
        assert each.status == "halted"
    lift(actor=world.reviewer2, organization=world.organization.id, switch_id=stop.id)
    assert run_previews() == rule_previewed() == 0
    assert seeing.LOOKS == []


def test_what_is_withdrawn_before_its_preview_comes_is_not_asked_about(world: World) -> None:
    action = staged(world)
    with transaction.atomic():
        withdraw_run(
            organization=world.organization.id, run=action.run, actor=Actor.system("test"), reason="Not any more."
        )
    assert run_previews() == 0
    sweep()
    assert PreviewRow.objects.get().closed_at is not None
    assert seeing.LOOKS == []


def test_a_tool_that_was_changed_while_it_was_asked_is_asked_again(world: World) -> None:
    action = staged(world)
    run_previews()
    tool = world.tool("shut_thing")
    version = tool.version
    assert version is not None
    version.pk, version.number, version._state.adding = uuid7(), 2, True
    version.save(force_insert=True)
    Tool.objects.filter(pk=tool.pk).update(version=version)
    rule_previewed()
    assert (dry_run(action).state, action.status) == (DryRunState.AWAITED, "in_review")


def test_the_web_asks_and_workers_answer_rule_and_send_back_with_their_own_accounts(world: World) -> None:
    with acting_as("web", world.organization.id):
        action = staged(world)
        assert action.status == "proposed"
    with acting_as("worker"):
        sweep()
        assert run_previews() == rule_previewed() == 1
    with acting_as("web", world.organization.id):
        action.refresh_from_db()
        approved(world, action)
    seeing.SHELF["T-1"]["state"] = "half open"
    with acting_as("worker"):
        assert sign_permits() == 1
        assert execute_permitted() == 0  # the second look keeps what it saw, and voids the permit
        sweep()
    assert dry_run(action).drifted is True
    with acting_as("web", world.organization.id):
        action.refresh_from_db()
        approved(world, action)
    with acting_as("worker"):
        assert sign_permits() == execute_permitted() == 1
    assert seeing.CALLS == ["T-1"]
