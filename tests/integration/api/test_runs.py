"""POST and GET /runs, /runs/{id}, its events, its input, its cancelling."""

from typing import Any

import pytest

from approvals.models import Action
from lam_app.models import Report, Run
from tests.support.api import Api, problem
from traces.ids import uuid7
from traces.models import Event
from traces.services import Actor, move

GOAL = "Tell the customer of order 1009 that it is delayed until Friday"
SHAPE = {"id", "goal", "attachments", "status", "plan", "actions", "report", "created", "finished"}
PLANNER = Actor.system("planner")


def submitted(api: Api, **body: Any) -> dict[str, Any]:
    answer = api.operator.post("runs", {"goal": GOAL, **body})
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def walk(run: dict[str, Any], *statuses: str, **changes: Any) -> None:
    """Move a run along its edges, as the loop does."""
    source = "submitted"
    for target in statuses:
        assert move(Run, [run["id"]], source, target, actor=PLANNER, verb=target, changes=changes or None)
        source = target


def test_a_goal_is_accepted(api: Api) -> None:
    shown = submitted(api, context={"order": 1009})
    assert set(shown) == SHAPE
    assert (shown["status"], shown["goal"], shown["actions"], shown["report"]) == ("submitted", GOAL, [], None)
    run = Run.objects.get(id=shown["id"])
    assert (run.initiator, run.organization, run.context) == (
        api.world.operator,
        api.world.organization,
        {"order": 1009},
    )


def test_the_same_key_and_body_give_the_same_run(api: Api) -> None:
    first, second = (api.operator.post("runs", {"goal": GOAL}, Idempotency_Key="k") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    for other in ({"goal": "Another"}, {"goal": GOAL, "context": {"a": 1}}):
        problem(api.operator.post("runs", other, Idempotency_Key="k"), 409, "args_mismatch")
    assert Run.objects.count() == 1


def test_a_key_still_stands_for_a_run_that_was_answered(api: Api) -> None:
    run = api.operator.post("runs", {"goal": GOAL}, Idempotency_Key="k").json()
    walk(run, "planning", "needs_input", question="Which customer?")
    assert api.operator.post(f"runs/{run['id']}/input", {"text": "Ada"}).status_code == 200
    assert api.operator.post("runs", {"goal": GOAL}, Idempotency_Key="k").json()["id"] == run["id"]


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        ({}, 422, "goal"),
        ({"goal": ""}, 422, "goal"),
        ({"goal": 5}, 422, "goal"),
        ({"goal": "x" * 10_001}, 422, "goal"),
        ({"goal": "x", "context": []}, 422, "context"),
        ({"goal": "x", "context": {"answers": []}}, 422, "context.answers"),
        ({"goal": "x", "organization": "elsewhere"}, 400, "organization"),
        ({"goal": "x", "status": "succeeded"}, 400, "status"),
        ({"goal": "x", "initiator": "administrator"}, 400, "initiator"),
    ],
)
def test_a_goal_that_does_not_fit_is_refused_by_path(api: Api, body: Any, status: int, path: str) -> None:
    found = problem(api.operator.post("runs", body), status, "schema_invalid")
    assert found["problems"][0]["path"] == path
    assert not Run.objects.exists()


def test_a_goal_of_blanks_is_refused(api: Api) -> None:
    problem(api.operator.post("runs", {"goal": "  \n "}), 422, "schema_invalid")


def test_only_operators_submit_and_the_attempt_is_remembered(api: Api) -> None:
    problem(api.reviewer.post("runs", {"goal": GOAL}), 403, "not_permitted")
    assert Event.objects.get(verb="refused").actor_name == "reviewer"
    assert not Run.objects.exists()


def test_a_run_is_read_with_its_plan_its_actions_and_its_report(api: Api) -> None:
    run = submitted(api)
    action = api.world.staged(run=run["id"])
    shown = api.operator.get(f"runs/{run['id']}").json()
    assert [a["id"] for a in shown["actions"]] == [str(action.id)]
    assert shown["plan"]["steps"] == [{"number": 1, "tool": "send_message", "action": str(action.id)}]
    walk(run, "planning", "succeeded")
    Report.objects.create(
        id=uuid7(), organization=api.world.organization, run_id=run["id"], lines=[], claim="All is well."
    )
    shown = api.operator.get(f"runs/{run['id']}").json()
    assert shown["report"] == {"lines": [], "claim": "All is well.", "problem": ""}


def test_a_run_that_gave_up_says_why_and_what_it_did(api: Api) -> None:
    run = submitted(api)
    api.world.staged(run=run["id"])
    walk(run, "planning", "needs_human", problem="The model gave no usable answer.")
    report = api.operator.get(f"runs/{run['id']}").json()["report"]
    assert report["problem"] == "The model gave no usable answer."
    assert report["lines"][0]["in_ledger"] is False


def test_the_list_holds_a_persons_own_runs_and_a_reviewers_all(api: Api) -> None:
    ids = [submitted(api)["id"] for _ in range(3)]
    first = api.operator.get("runs", limit=2).json()
    second = api.operator.get("runs", limit=2, before=first["next"]).json()
    assert [r["id"] for r in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None
    assert len(api.reviewer.get("runs").json()["items"]) == 3
    assert len(api.auditor.get("runs", status="submitted").json()["items"]) == 3
    assert api.outsider.get("runs").json()["items"] == []


def test_events_are_told_in_order_and_followed_behind_the_last(api: Api) -> None:
    run = submitted(api)
    path = f"runs/{run['id']}/events"
    first = api.operator.get(path).json()
    assert [(e["verb"], e["target"]) for e in first["items"]] == [("submitted", "submitted")]
    assert first["items"][0]["actor"] == {"kind": "person", "id": str(api.world.operator.id), "name": "operator"}
    walk(run, "planning")
    behind = api.operator.get(path, after=first["items"][-1]["id"]).json()["items"]
    assert [e["target"] for e in behind] == ["planning"]
    assert "detail" not in behind[0]


def test_a_question_is_asked_in_the_plan_and_answered(api: Api) -> None:
    run = submitted(api)
    problem(api.operator.post(f"runs/{run['id']}/input", {"text": "Ada"}), 409, "already_decided")
    walk(run, "planning", "needs_input", question="Which customer?")
    assert api.operator.get(f"runs/{run['id']}").json()["plan"]["missing"] == ["Which customer?"]
    shown = api.operator.post(f"runs/{run['id']}/input", {"text": "Ada"}).json()
    assert (shown["status"], shown["plan"]["missing"]) == ("planning", [])
    assert Run.objects.get(id=run["id"]).context["answers"] == [{"question": "Which customer?", "answer": "Ada"}]


def test_cancelling_withdraws_what_is_under_the_gate(api: Api) -> None:
    run = submitted(api)
    action = api.world.staged(run=run["id"])
    shown = api.operator.post(f"runs/{run['id']}/cancel", {"reason": "Not needed."}).json()
    assert (shown["status"], shown["actions"][0]["status"]) == ("cancelled", "withdrawn")
    assert shown["finished"]
    assert Action.objects.get(id=action.id).status == "withdrawn"
    found = problem(api.operator.post(f"runs/{run['id']}/cancel"), 409, "already_decided")
    assert found["state"] == "cancelled"


def test_cancelling_needs_no_body(api: Api) -> None:
    run = submitted(api)
    assert api.operator.post(f"runs/{run['id']}/cancel").json()["status"] == "cancelled"


def test_whoever_may_only_read_a_run_may_not_steer_it(api: Api) -> None:
    run = submitted(api)
    assert api.reviewer.get(f"runs/{run['id']}").status_code == 200
    for path, body in (("cancel", {}), ("input", {"text": "x"})):
        problem(api.reviewer.post(f"runs/{run['id']}/{path}", body), 404, "not_found")
    assert Run.objects.get(id=run["id"]).status == "submitted"
