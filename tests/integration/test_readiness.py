"""The readiness list: each condition read from rows and contract, for many tools at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Team
from lam_app.demo import bring_office
from tests.support.backoffice import back_office
from tests.support.dialling import foreseen, ready
from tests.support.paying import calls, decree
from tests.support.world import World
from tools.freedom import of as settings_of
from tools.models import Tool
from tools.offering import offer
from tools.readiness import CONDITIONS, Item, answers, readiness, subject_of
from tools.registry import contracts
from tools.rights import revoke


def said(world: World, name: str, **settings: Any) -> dict[str, Item]:
    """A tool's list by key, as it would be set."""
    tool = Tool.objects.select_related("version").get(organization=world.organization, name=name)
    found = readiness(world.organization.pk, [subject_of(tool, {**settings_of(tool), **settings})])
    return {item.key: item for item in found[tool.pk].items}


def unmet(world: World, name: str, **settings: Any) -> set[str]:
    return {key for key, item in said(world, name, **settings).items() if not item.met}


def test_a_tool_that_nobody_prepared_lacks_what_people_have_to_add(world: World) -> None:
    assert unmet(world, "send_message") == {"preview", "limits", "owner", "categories", "samples"}
    assert said(world, "send_message")["limits"].evidence == "No limit of the policy covers all of its calls"


def test_a_prepared_tool_lacks_only_what_time_brings(world: World) -> None:
    ready(world)
    assert unmet(world, "lend_odd") == {"samples"}
    assert said(world, "lend_odd")["limits"].evidence == "20 calls an hour"
    assert said(world, "lend_odd")["samples"].evidence.startswith("No samples yet")


def test_what_can_be_neither_repeated_nor_asked_about_is_never_ready(world: World) -> None:
    assert "idempotency" in unmet(world, "odd_neither")


def test_a_limit_on_some_people_or_agents_covers_not_every_call(world: World) -> None:
    about = {"tools": ["lend_odd"], "initiators": ["operator"]}
    decree(world, {**calls(20, "lend_odd"), "about": about})
    assert "limits" in unmet(world, "lend_odd")
    decree(world, {**calls(20, "lend_odd"), "about": {"tiers": ["write"]}})
    assert "limits" not in unmet(world, "lend_odd")
    decree(world, {**calls(20, "lend_odd"), "about": {"tiers": ["read"]}})
    assert "limits" in unmet(world, "lend_odd")


def test_t27_a_tool_that_nobody_may_review_is_not_ready(world: World) -> None:
    tool = ready(world)
    reviewers = Team.objects.get(organization=world.organization, name="reviewers")
    assert said(world, "lend_odd")["approvers"].evidence == "2 people: reviewer, reviewer2"
    revoke(tool, "review", of=reviewers, by=world.administrator, reason="a drill")
    assert "approvers" in unmet(world, "lend_odd")


def test_an_inverse_has_to_be_there_and_in_use(world: World) -> None:
    assert "undo" not in unmet(world, "put_odd")
    Tool.objects.filter(name="take_odd").update(enabled=False)
    assert "undo" in unmet(world, "put_odd")
    assert "undo" in unmet(world, "shut_thing")  # says that it can be undone, and by nothing


def test_an_owner_has_to_belong_here_still(world: World) -> None:
    assert said(world, "lend_odd", owner=str(world.operator.pk))["owner"].met
    assert not said(world, "lend_odd", owner=str(world.outsider.pk))["owner"].met
    world.operator.is_active = False
    world.operator.save()
    assert not said(world, "lend_odd", owner=str(world.operator.pk))["owner"].met


def test_no_time_to_object_is_for_what_can_be_undone(world: World) -> None:
    at_once = {"maturity": "on_the_loop", "veto_seconds": 0}
    assert "time" in unmet(world, "lend_odd", **at_once)
    assert "time" not in unmet(world, "put_odd", **at_once)


def test_a_condition_that_nobody_answers_is_not_met(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.readiness._answers", {})
    assert unmet(world, "send_message") == {condition.key for condition in CONDITIONS}
    with pytest.raises(ValueError, match="no condition"):
        answers("luck", lambda *_: {})


def test_many_tools_are_asked_about_in_as_many_queries_as_one(world: World) -> None:
    def queries() -> int:
        tools = list(Tool.objects.filter(organization=world.organization).select_related("version"))
        with CaptureQueriesContext(connection) as seen:
            readiness(world.organization.pk, [subject_of(tool, settings_of(tool)) for tool in tools])
        return len(seen)

    few = queries()
    for contract in contracts()[:3]:
        for number in range(5):
            from dataclasses import replace

            offer(world.organization, replace(contract, name=f"{'xyz'[number % 3]}{number}_{contract.name}"))
    assert queries() == few


def test_what_the_sandbox_offers_can_be_made_ready(world: World, settings: Any) -> None:
    """Its readers at once; its writers by an owner, a limit and lifted categories, which people set."""
    with back_office() as office:
        settings.LAM_EGRESS_PRIVATE = frozenset({office.url.removeprefix("http://")})
        bring_office(office.url)
    readers = Tool.objects.filter(organization=world.organization, tier="read", version__contract__connector="http")
    assert readers.count() > 5
    assert set(readers.values_list("maturity", flat=True)) == {"audit_only"}
    writers = (
        Tool.objects.filter(organization=world.organization, version__contract__connector="http")
        .exclude(tier="read")
        .select_related("version")
    )
    decree(world, {**calls(20, "all"), "about": {}})
    could = []
    for tool in writers:
        assert tool.version is not None
        lifted = {name: {"reason": "a drill", "limit": "10"} for name in tool.version.contract["categories"]}
        if not unmet(world, tool.name, owner=str(world.administrator.pk), lifted=lifted) - {"samples"}:
            could.append(tool.name)
    assert {"close_ticket", "cancel_refund"} <= set(could)


def test_the_next_version_has_to_be_able_to_foresee_too(world: World) -> None:
    assert "preview" in unmet(world, "lend_odd")
    foreseen(world)
    assert "preview" not in unmet(world, "lend_odd")
