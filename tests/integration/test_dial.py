"""How freely a tool acts: down at once, up by a list that is met and, where it is risky, by two people."""

from __future__ import annotations

import itertools
import json
from typing import Any

import psycopg
import pytest
from django.db import connection

from accounts.models import User
from tests.support.dialling import WHY, ready, second_administrator
from tests.support.racing import race
from tests.support.sql import NO_RIGHT, REFUSED, refusal
from tests.support.world import World
from tools import freedom
from tools.changes import DialChange, DialProposal
from tools.dial import accept, lower, return_to, set_dial, set_up, withdraw
from tools.exceptions import DialMoved, DialRefused, MayNotSet, NotReady, ProposalNotFound, SecondOpinionNeeded
from tools.kinds import Maturity, Tier
from tools.models import Tool
from tools.rights import revoke
from traces.exceptions import DomainError
from traces.models import Event, EventDetail

ON = {"maturity": "on_the_loop", "veto_seconds": 30}


def maturity(world: World, name: str) -> str:
    return world.tool(name).maturity


def told(tool: Tool, verb: str) -> list[dict[str, Any]]:
    events = Event.objects.filter(subject=tool.pk, verb=verb).order_by("id")
    kept = dict(EventDetail.objects.filter(event__in=events.values("id")).values_list("event", "detail"))
    return [json.loads(kept[event.id]) for event in events]


def test_a_tool_whose_list_is_met_is_raised_and_the_change_is_kept(world: World) -> None:
    tool = ready(world)
    made = set_dial(tool, ON, by=world.administrator, reason=f" {WHY} ")
    assert isinstance(made, DialChange)
    assert (made.number, made.kind, made.by, made.reason) == (1, "person", world.administrator, WHY)
    assert made.after == {**made.before, **ON}
    now = world.tool("lend_odd")
    assert freedom.of(now) == made.after
    assert told(tool, "tool_set")[-1]["changes"] == {
        "maturity": ["in_the_loop", "on_the_loop"], "veto_seconds": [0, 30],
    }  # fmt: skip
    assert set_dial(tool, ON, by=world.administrator, reason=WHY) is None


def test_raising_is_refused_until_the_list_is_met_and_says_what_is_missing(world: World) -> None:
    with pytest.raises(NotReady) as caught:
        set_dial(world.tool("send_message"), ON, by=world.administrator, reason=WHY)
    missing = {one["key"] for one in caught.value.extra["missing"]}  # type: ignore[attr-defined]
    assert missing == {"preview", "limits", "owner", "categories"}
    assert maturity(world, "send_message") == "in_the_loop"
    assert told(world.tool("send_message"), "refused")[-1]["code"] == "not_ready"
    with pytest.raises(NotReady) as caught:
        set_dial(ready(world), {"maturity": "audit_only"}, by=world.administrator, reason=WHY)
    assert [one["key"] for one in caught.value.extra["missing"]] == ["samples"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changes", "needs"),
    [({**ON, "veto_seconds": 0}, "time"), ({**ON, "owner": None}, "owner")],
)
def test_the_list_is_read_as_the_tool_would_be_set(changes: dict[str, Any], needs: str, world: World) -> None:
    with pytest.raises(NotReady) as caught:
        set_dial(ready(world), changes, by=world.administrator, reason=WHY)
    assert needs in {one["key"] for one in caught.value.extra["missing"]}  # type: ignore[attr-defined]


def test_a_shorter_window_is_freer_and_a_longer_one_is_not(world: World) -> None:
    tool = ready(world)
    set_dial(tool, ON, by=world.administrator, reason=WHY)
    Tool.objects.filter(pk=tool.pk).update(owner=None)
    with pytest.raises(NotReady):
        set_dial(world.tool("lend_odd"), {"veto_seconds": 10}, by=world.administrator, reason=WHY)
    set_dial(world.tool("lend_odd"), {"veto_seconds": 60}, by=world.reviewer, reason="slower")
    assert world.tool("lend_odd").veto_seconds == 60


def test_who_may_stop_it_turns_it_down_at_once_and_not_up_again(world: World) -> None:
    tool = ready(world)
    set_dial(tool, ON, by=world.administrator, reason=WHY)
    set_dial(tool, {"maturity": "in_the_loop"}, by=world.reviewer, reason="Two odd calls.")
    assert maturity(world, "lend_odd") == "in_the_loop"
    for by in (world.reviewer, world.operator, world.outsider):
        with pytest.raises(MayNotSet):
            set_dial(tool, ON, by=by, reason=WHY)
    for by in (world.operator, world.outsider):
        with pytest.raises(MayNotSet):
            set_dial(tool, {"enabled": False}, by=by, reason=WHY)


def test_a_reason_and_known_settings_are_asked_for(world: World) -> None:
    tool = ready(world)
    for changes, reason in (
        (ON, " "), ({"risk": "low"}, WHY), ({"veto_seconds": -1}, WHY), ({"tier": "approve"}, WHY),
        ({"lifted": {"money": {"reason": WHY}}}, WHY), ({"owner": str(world.outsider.pk)}, WHY),
        ({"enabled": "no"}, WHY),
    ):  # fmt: skip
        with pytest.raises(DialRefused):
            set_dial(tool, changes, by=world.administrator, reason=reason)
    assert not DialChange.objects.exists()


def test_a_risky_tool_waits_for_a_second_person(world: World) -> None:
    """T23 as well: whoever would gain by it does not agree to it."""
    tool, second = ready(world, "pay_odd"), second_administrator(world)
    waiting = set_dial(tool, ON, by=world.administrator, reason=WHY)
    assert isinstance(waiting, DialProposal)
    assert maturity(world, "pay_odd") == "in_the_loop"
    ours = {"organization": world.organization.pk}
    with pytest.raises(SecondOpinionNeeded):
        accept(waiting.pk, by=world.administrator, **ours)
    with pytest.raises(MayNotSet):
        accept(waiting.pk, by=world.reviewer, **ours)
    with pytest.raises(ProposalNotFound):
        accept(waiting.pk, organization=world.elsewhere.pk, by=world.outsider)
    made = accept(waiting.pk, by=second, reason="I looked.", **ours)
    assert (made.by, made.second) == (world.administrator, second)
    assert maturity(world, "pay_odd") == "on_the_loop"
    with pytest.raises(ProposalNotFound):
        accept(waiting.pk, by=second, **ours)


def test_what_waits_is_judged_anew_when_it_is_agreed_to(world: World) -> None:
    tool, second = ready(world, "pay_odd"), second_administrator(world)
    ours = {"organization": world.organization.pk}
    waiting = set_dial(tool, ON, by=world.administrator, reason=WHY)
    assert isinstance(waiting, DialProposal)
    set_dial(tool, {"tier": "delete"}, by=world.administrator, reason="stricter")
    with pytest.raises(DialMoved):
        accept(waiting.pk, by=second, **ours)
    with pytest.raises(DialMoved):  # one at a time
        set_dial(tool, ON, by=world.administrator, reason=WHY)
    withdraw(waiting.pk, by=world.administrator, reason="as it was", **ours)
    again = set_dial(tool, ON, by=world.administrator, reason=WHY)
    assert isinstance(again, DialProposal)
    revoke(tool, "review", of=_team(world, "reviewers"), by=world.administrator, reason="a drill")
    with pytest.raises(NotReady):
        accept(again.pk, by=second, **ours)
    assert maturity(world, "pay_odd") == "in_the_loop"


def _team(world: World, name: str) -> Any:
    from accounts.models import Team

    return Team.objects.get(organization=world.organization, name=name)


def test_going_back_is_a_change_like_any_other(world: World) -> None:
    tool = ready(world)
    set_dial(tool, ON, by=world.administrator, reason=WHY)
    back = return_to(tool, 1, by=world.reviewer, reason="Too early.")
    assert isinstance(back, DialChange)
    assert (back.number, back.returns_to, maturity(world, "lend_odd")) == (2, 1, "in_the_loop")
    revoke(tool, "review", of=_team(world, "reviewers"), by=world.administrator, reason="a drill")
    with pytest.raises(NotReady):
        return_to(tool, 2, by=world.administrator, reason="Again.")
    with pytest.raises(DialRefused):
        return_to(tool, 7, by=world.administrator, reason="Again.")


@pytest.mark.parametrize("because", ["error_bound", "drift", "harm", "changed"])
def test_a_tool_is_lowered_by_itself_and_never_raised_again_so(because: str, world: World) -> None:
    tool = ready(world)
    set_dial(tool, ON, by=world.administrator, reason=WHY)
    made = lower(tool, because=because)
    assert made is not None
    assert (made.kind, made.because, made.by, maturity(world, "lend_odd")) == (
        "automatic",
        because,
        None,
        "in_the_loop",
    )
    assert lower(tool, because=because) is None
    with pytest.raises(ValueError, match="luck"):
        lower(tool, because="luck")
    assert lower(tool, because=because, to="audit_only") is None
    assert maturity(world, "lend_odd") == "in_the_loop"


def test_two_hands_at_once_make_one_change(world: World) -> None:
    tool = ready(world)
    second = second_administrator(world)

    def turning(by: User) -> Any:
        return lambda: set_dial(tool, ON, by=by, reason=WHY)

    found = race(turning(world.administrator), turning(second))
    assert sorted(one is None for one in found) == [False, True]
    assert DialChange.objects.filter(tool=tool).count() == 1


def test_the_database_says_what_is_freer_and_what_is_risky_as_the_verbs_do(world: World) -> None:
    base = freedom.of(world.tool("pay_odd"))
    lifts: list[dict[str, Any]] = [
        {},
        {"money": {"reason": "x", "limit": "10"}},
        {"money": {"reason": "x", "limit": None}},
    ]
    some = [
        {**base, "tier": tier, "maturity": m, "veto_seconds": v, "enabled": e, "forbidden": not e, "lifted": lift}
        for tier, m, v, e, lift in itertools.product(
            ("read", "delete"), [str(one) for one in Maturity], (0, 30), (True, False), lifts
        )
    ]
    with connection.cursor() as cursor:
        for before, after in itertools.product(some, some[::5]):
            cursor.execute("SELECT tools_dial_freer(%s, %s)", [json.dumps(before), json.dumps(after)])
            assert cursor.fetchone()[0] == bool(freedom.freer(before, after)), (before, after)
        from tools.contract import Contract

        for tool in Tool.objects.select_related("version"):
            assert tool.version is not None
            contract = Contract.from_json(tool.version.contract)
            for tier in Tier:
                cursor.execute("SELECT tools_dial_grave(%s, %s)", [tier, json.dumps(tool.version.contract)])
                assert cursor.fetchone()[0] == freedom.grave(tier, contract), (tool.name, tier)


def _insert(tool: Tool, **changes: Any) -> tuple[str, list[Any]]:
    """A change as plain SQL: whoever could write as an account of the product would."""
    before = freedom.of(tool)
    row = {
        "kind": "person", "by_id": None, "second_id": None, "number": 1, "because": "", "proposal_id": None,
        "after": {**before, **ON}, **changes,
    }  # fmt: skip
    insert = (
        "INSERT INTO tools_dialchange (id, organization_id, tool_id, number, kind, before, after, by_id, second_id,"
        " because, reason, version_id, proposal_id)"
        " VALUES (gen_random_uuid(), %s, %s, %s, %s, %s, %s, %s, %s, %s, 'forged', %s, %s)"
    )
    return insert, [
        tool.organization_id, tool.pk, row["number"], row["kind"], json.dumps(before), json.dumps(row["after"]),
        row["by_id"], row["second_id"], row["because"], tool.version_id, row["proposal_id"],
    ]  # fmt: skip


def test_no_account_of_a_process_sets_a_tool(
    world: World, as_web: psycopg.Connection[Any], as_worker: psycopg.Connection[Any]
) -> None:
    for account in (as_web, as_worker):
        for sql in ("UPDATE tools_tool SET maturity = 'audit_only'", "UPDATE tools_tool SET enabled = true"):
            assert refusal(account, sql)[0] == NO_RIGHT
        assert refusal(account, "UPDATE tools_dialchange SET reason = 'other'")[0] == NO_RIGHT


def test_a_forged_change_makes_nothing_freer(
    world: World, as_web: psycopg.Connection[Any], as_worker: psycopg.Connection[Any]
) -> None:
    """Beneath the verbs: whose hand, two people, an owner, a lifted category, a number, and an event."""
    simple, risky, lacking = ready(world), ready(world, "pay_odd"), world.tool("send_message")
    admin, reviewer = world.administrator.pk, world.reviewer.pk
    forged = [
        ("may not set", as_web, simple, {"by_id": reviewer}),
        ("may not set", as_web, simple, {"by_id": world.outsider.pk}),
        ("second person", as_web, risky, {"by_id": admin}),
        ("second person", as_web, risky, {"by_id": admin, "second_id": second_administrator(world).pk}),
        ("not ready", as_web, lacking, {"by_id": admin}),
        ("next number", as_web, simple, {"by_id": admin, "number": 5}),
        ("no change of this kind", as_web, simple, {"kind": "setup"}),
        ("no change of this kind", as_worker, simple, {"by_id": admin}),
        ("freer by itself", as_worker, simple, {"kind": "automatic", "because": "harm"}),
        ("no event tells", as_web, simple, {"by_id": admin}),
    ]
    for text, account, tool, changes in forged:
        state, said = refusal(account, *_insert(tool, **changes))
        assert (state, text in said) == (REFUSED, True), (text, said)


def test_a_proposal_is_agreed_to_by_another_whoever_writes_it(world: World, as_web: psycopg.Connection[Any]) -> None:
    waiting = set_dial(ready(world, "pay_odd"), ON, by=world.administrator, reason=WHY)
    assert isinstance(waiting, DialProposal)
    sql = "UPDATE tools_dialproposal SET status = 'accepted', closed_by_id = %s, closed_at = now() WHERE id = %s"
    state, said = refusal(as_web, sql, [world.administrator.pk, waiting.pk])
    assert (state, "accepted_by_another" in said) == ("23514", True)


def test_whoever_runs_the_installation_is_one_person(world: World) -> None:
    with pytest.raises(SecondOpinionNeeded):
        set_up(ready(world, "pay_odd"), ON, reason=WHY)
    with pytest.raises(DomainError):
        set_up(world.tool("send_message"), ON, reason=WHY)
    assert set_up(ready(world), ON, reason=WHY) is not None


def test_the_web_account_can_do_what_the_pages_ask_of_it(world: World, as_web: psycopg.Connection[Any]) -> None:
    """Row and event in one transaction, as the verbs write them, with the web account's rights alone."""
    tool = ready(world)
    as_web.execute(
        "INSERT INTO traces_event (id, organization, actor_kind, actor, actor_name, verb, subject_kind, subject,"
        " source, target, transaction, digest) VALUES (gen_random_uuid(), %s, 'person', %s, 'administrator',"
        " 'tool_set', 'tool', %s, '', '', pg_current_xact_id()::text::bigint, decode(repeat('00', 32), 'hex'))",
        [world.organization.pk, world.administrator.pk, tool.pk],
    )
    as_web.execute(*_insert(tool, by_id=world.administrator.pk))
    as_web.commit()
    assert maturity(world, "lend_odd") == "on_the_loop"
