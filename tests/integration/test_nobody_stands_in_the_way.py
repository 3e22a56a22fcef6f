"""What cannot be signed, judged, shown or sent back keeps no other call waiting, of whatever organization it is."""

import json

import pytest

from approvals import tasks
from approvals.models import Permit, PreviewRow
from approvals.services.edit import edit
from approvals.tasks import execute_permitted, rule_previewed, run_previews, sign_permits
from tests.integration.test_preview import _shelf, answered, staged  # noqa: F401
from tests.integration.test_preview_drift import signed
from tests.support import seeing
from tests.support.voting import just_now
from tests.support.world import World, approved
from tools import registry
from tools.contract import Contract
from tools.killswitch import engage
from tools.models import AgentTool, OutboxMessage, Tool
from tools.previews import LONGEST_LABEL, LONGEST_NAME, LONGEST_TEXT, LONGEST_VALUE, Preview, change, told
from traces.models import Event

WIDE = "\U0001f7e5"  # one character, four bytes


def elsewhere(world: World, tool: str = "shut_thing") -> dict[str, object]:
    """What makes a proposal one of the other organization."""
    from accounts.models import Agent, Membership

    agent = Agent.objects.get(organization=world.elsewhere, builtin=True)
    member = Membership.objects.get(organization=world.elsewhere, user=world.outsider)
    found = Tool.objects.get(organization=world.elsewhere, name=tool)
    AgentTool.objects.get_or_create(agent=agent, tool=found)
    return {
        "organization": world.elsewhere.id, "initiator": member.user_id, "agent": agent.id,
        "principals": (member.user_id,),
    }  # fmt: skip


def test_t93_an_answer_that_is_as_large_as_may_be_is_kept_and_keeps_no_other_call_waiting(world: World) -> None:
    action = signed(world)
    other = world.staged()
    approved(world, other)
    assert sign_permits() == 1
    seeing.SHELF["T-1"]["version"] = {f"{i}{WIDE * LONGEST_LABEL}": WIDE * LONGEST_VALUE for i in range(100)}
    assert execute_permitted() == 1
    action.refresh_from_db()
    other.refresh_from_db()
    assert (action.status, other.status, seeing.CALLS) == ("in_review", "done", [])
    assert len(PreviewRow.objects.latest("id").content.encode()) > 60_000


def test_the_largest_answer_there_can_be_fits_what_the_database_keeps() -> None:
    long = WIDE * 400
    rows = [change(f"{i}{long}", long, long) for i in range(30)]
    rests = {f"{i}{WIDE * 20}": long for i in range(15)}
    kept = told(Preview.done(WIDE * 1_000, *rows, preconditions=rests, records={f"{i}": "" for i in range(20)}))
    assert kept.state == "done"
    per_row = LONGEST_LABEL + 2 * LONGEST_VALUE + 100
    most = 4 * (LONGEST_TEXT * 8 + 2 * 30 * per_row + 20 * (LONGEST_LABEL + LONGEST_NAME + 100) + 40 * per_row)
    assert len(json.dumps(kept.content, ensure_ascii=False).encode()) < most <= 400_000


def test_a_permit_that_can_be_neither_used_nor_judged_again_is_void_and_the_next_call_is_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = world.staged("put_odd", {"thing": "cup"})
    approved(world, broken)
    other = world.staged()
    approved(world, other)
    assert sign_permits() == 2
    real = registry.connector

    def gone(contract: Contract) -> object:
        if contract.name == "put_odd":
            raise ValueError("It is not there any more.")
        return real(contract)

    monkeypatch.setattr(registry, "connector", gone)
    assert execute_permitted() == 1
    assert OutboxMessage.objects.count() == 1
    assert Permit.objects.get(action=broken).revoked_at is not None
    assert Event.objects.filter(subject=broken.id, verb="permit_refused").exists()
    third = world.staged()
    approved(world, third)
    monkeypatch.setattr(tasks, "BATCH", 1)
    assert sign_permits() == execute_permitted() == 1  # though the broken one is older, and stays unsigned


def test_a_stop_of_one_organization_holds_up_no_ruling_of_another(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "BATCH", 2)
    seeing.SHELF["T-2"] = dict(seeing.SHELF["T-1"])
    held = [staged(world) for _ in range(2)]
    assert answered() == 2
    for action in held:
        action.refresh_from_db()
        edit(
            actor=world.reviewer, organization=world.organization.id, action_id=action.id, digest=action.digest,
            arguments={"thing": "T-2"}, reason="The other one.", signed_in_at=just_now(),
        )  # fmt: skip
    assert run_previews() == 2
    engage(
        actor=world.reviewer, organization=world.organization.id, scope="organization", target=None, reason="A drill."
    )
    theirs = staged(world, **elsewhere(world))
    assert theirs.status == "proposed"
    assert run_previews() == rule_previewed() == 1
    theirs.refresh_from_db()
    assert theirs.status == "in_review"
