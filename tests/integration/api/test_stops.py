"""POST and GET /kill-switches: people stop what they may, an agent only runs of its own."""

import uuid
from typing import Any

import pytest

from approvals.models import Action
from approvals.tasks import sign_permits
from tests.support.api import Api, account, outside_agent, problem
from tests.support.stops import lift
from tests.support.world import MESSAGE, approved
from tools.killswitch import engage
from tools.models import KillSwitch
from traces.models import Event


def stop(target: object = None, scope: str = "run", reason: str = "The order has arrived.") -> dict[str, Any]:
    return {"scope": scope, "reason": reason, **({"target": str(target)} if target else {})}


def test_an_agent_stops_a_run_of_its_own_and_the_next_claim_sees_it(api: Api) -> None:
    staged = api.staged()
    approved(api.world, Action.objects.get(id=staged["id"]))
    answer = api.bot.post("kill-switches", stop(staged["run"]))
    assert answer.status_code == 201
    assert set(answer.json()) == {"id", "scope", "target", "reason", "by", "armed", "quiet"}
    with account("worker"):
        sign_permits()
    assert Action.objects.get(id=staged["id"]).status != "executing"
    told = Event.objects.get(verb="stop_engaged")
    assert (told.actor_kind, told.actor) == ("agent", api.agent.id)
    assert [s["id"] for s in api.bot.get("kill-switches").json()["items"]] == [answer.json()["id"]]


def test_an_agent_stops_nothing_else(api: Api) -> None:
    """Another agent's run, the planner's, another organization's and none at all are refused alike, and remembered."""
    other = api.caller("operator", "agent", outside_agent(api.world.organization, api.world.operator, name="other"))
    planners = api.world.run()
    targets = [
        stop(api.staged()["run"]),
        stop(planners.id),
        stop(uuid.uuid4()),
        stop(),
        stop(api.world.tool().id, "tool"),
        stop(None, "organization"),
        stop(api.agent.id, "agent"),
        stop(api.world.operator.id, "initiator"),
    ]
    found = [problem(other.post("kill-switches", body), 403, "not_permitted") for body in targets]
    assert all(document == found[0] for document in found)
    assert not KillSwitch.objects.exists()
    assert Event.objects.filter(verb="refused", actor_name="other").count() == len(targets)


def test_a_person_stops_what_they_may_stop(api: Api) -> None:
    run = api.world.run()
    for body in (stop(run.id), stop(api.world.tool().id, "tool"), stop(None, "organization")):
        answer = api.reviewer.post("kill-switches", body)
        assert (answer.status_code, answer.json()["by"]) == (201, "reviewer")
    problem(api.operator.post("kill-switches", stop(run.id)), 403, "not_permitted")
    assert len(api.reviewer.get("kill-switches").json()["items"]) == 3


def test_t58_a_stop_never_reaches_another_organization(api: Api) -> None:
    """A foreign tool, agent, person or run is as if it did not exist, and nothing of theirs is stopped."""
    outsider = api.outsider
    foreign = [
        (api.world.tool().id, "tool"),
        (api.agent.id, "agent"),
        (api.world.operator.id, "initiator"),
        (api.world.run().id, "run"),
        (api.staged()["run"], "run"),
        (api.world.organization.id, "organization"),
    ]
    for target, scope in foreign:
        known = problem(outsider.post("kill-switches", stop(target, scope)), 404, "not_found")
        assert known == problem(outsider.post("kill-switches", stop(uuid.uuid4(), scope)), 404, "not_found")
    assert not KillSwitch.objects.exists()
    assert api.bot.post("actions", {"tool": "send_message", "arguments": MESSAGE}).json()["status"] == "in_review"


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({"scope": "everything", "reason": "x"}, 422, "scope"),
        ({"scope": "run", "reason": "x", "target": "1"}, 422, "target"),
        ({"scope": "run", "reason": ""}, 422, "reason"),
        ({"scope": "run"}, 422, "reason"),
        ({"scope": "run", "reason": "x", "organization": "elsewhere"}, 400, "organization"),
    ],
)
def test_a_stop_that_does_not_fit_is_refused_by_path(api: Api, body: Any, status: int, path: str) -> None:
    found = problem(api.reviewer.post("kill-switches", body), status, "schema_invalid")
    assert found["problems"][0]["path"] == path


def test_a_stop_without_its_target_or_with_a_blank_reason_is_refused(api: Api) -> None:
    problem(api.reviewer.post("kill-switches", stop()), 422, "schema_invalid")
    problem(api.reviewer.post("kill-switches", stop(api.world.run().id, reason="  ")), 422, "schema_invalid")


def test_a_released_stop_is_no_longer_listed_and_no_token_releases_one(api: Api) -> None:
    engaged = api.reviewer.post("kill-switches", stop(None, "organization")).json()
    for method in ("DELETE", "PATCH", "PUT", "POST"):
        path = f"kill-switches/{engaged['id']}"
        assert api.caller("reviewer2", "operate")._ask(method, path).status_code == 404
    lift(
        actor=api.world.reviewer2,
        organization=api.world.organization.id,
        switch_id=uuid.UUID(engaged["id"]),
        reason="Over.",
    )
    assert api.reviewer.get("kill-switches").json()["items"] == []


def test_stops_are_read_by_their_own_organization_only(api: Api) -> None:
    engage(
        actor=api.world.outsider,
        organization=api.world.elsewhere.id,
        scope="organization",
        target=None,
        reason="a drill",
    )
    assert api.reviewer.get("kill-switches").json()["items"] == []
    assert len(api.outsider.get("kill-switches").json()["items"]) == 1


def test_what_is_stopped_is_denied_and_says_so(api: Api) -> None:
    api.reviewer.post("kill-switches", stop(None, "organization"))
    shown = api.bot.post("actions", {"tool": "send_message", "arguments": MESSAGE}).json()
    assert shown["status"] == "denied"
    assert any(f["check"] == "halted" and f["verdict"] == "deny" for f in shown["findings"])
