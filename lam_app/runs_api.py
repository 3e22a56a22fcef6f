"""Runs over HTTP: give the built-in planner a goal, follow it, answer it, end it."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import Http404
from ninja import Header, Query, Router
from ninja.responses import Status
from pydantic import ConfigDict, Field

from accounts.api import AUDIT, OPERATE, ApiRequest, Bearer, Identity, refusals_remembered
from approvals.models import Action
from approvals.shapes import ActionOut, shapes
from lam_app.context import report_lines
from lam_app.models import Report, Run, RunPlan, RunQuerySet
from lam_app.runs import LONGEST_ANSWER, LONGEST_GOAL, OURS, answer, cancel, submit
from lam_app.states import FINISHED, RunStatus
from lam_app.story import visible_runs
from traces.api import EventOut, event_shape
from traces.models import Event
from traces.wire import (
    KEY_HEADER,
    KEY_PATTERN,
    READS,
    READS_ONE,
    WRITES,
    WRITES_ONE,
    Answer,
    Body,
    FieldRefused,
    KeyReused,
    Page,
    cut,
)  # fmt: skip

router = Router(tags=["runs"])
READERS = Bearer(OPERATE, AUDIT)
STATUSES = Literal[
    "submitted", "planning", "waiting", "needs_input", "needs_human", "succeeded", "failed", "cancelled", "halted",
    "undoing", "undone",
]  # fmt: skip


class RunIn(Body):
    """A goal for the built-in planner, and what it should know besides."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"goal": "Tell the customer of order 1009 that it is delayed until Friday"}]}
    )
    goal: str = Field(min_length=1, max_length=LONGEST_GOAL)
    context: dict[str, Any] = Field(default_factory=dict)


class InputIn(Body):
    """The answer to what a run asks, or how to go on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "The customer's name is Ada."}]})
    text: str = Field(min_length=1, max_length=LONGEST_ANSWER)


class CancelIn(Body):
    """Why the run is no longer wanted."""

    reason: str = Field(default="", max_length=2_000)


class StepOut(Answer):
    """One step of the plan and the action that it became."""

    number: int
    tool: str
    action: uuid.UUID


class IntendedOut(Answer):
    """One step that the planner means to take; `after` are the numbers, from 1, of those that it needs."""

    tool: str
    does: str
    after: list[int]


class PlanOut(Answer):
    """What the planner means to do: the goal, the steps so far, and what it has to be told before it goes on.

    `restated` is the goal as the planner reads it, or as whoever gave it corrected that; `intended` are the steps that
    it planned. Both are a model's words, and permit nothing.
    """

    goal: str
    restated: str
    steps: list[StepOut]
    intended: list[IntendedOut]
    missing: list[str]


class LineOut(Answer):
    """What one step did, from the ledger; `in_ledger` is false where nothing says that it happened."""

    step: int
    action: uuid.UUID
    tool: str
    summary: str
    status: str
    in_ledger: bool = False
    reversible: bool


class ReportOut(Answer):
    """What the run did, from the ledger. `claim` is the model's word and unverified; `problem` is why it ended so."""

    lines: list[LineOut]
    claim: str
    problem: str


class RunOut(Answer):
    """One goal and where it stands."""

    id: uuid.UUID
    goal: str
    status: STATUSES
    plan: PlanOut
    actions: list[ActionOut]
    report: ReportOut | None
    created: datetime
    finished: datetime | None


def run_shapes(runs: Sequence[Run], viewer: Identity) -> list[dict[str, Any]]:
    """Runs as this viewer may read them, in the order given; a fixed number of queries but for runs that need people,
    whose report is made anew."""
    ids = [run.pk for run in runs]
    rows = list(Action.objects.within(viewer.organization_id).filter(run__in=ids).order_by("run", "step"))
    reports = {report.run_id: report for report in Report.objects.filter(run__in=ids)}
    newest = RunPlan.objects.filter(run__in=ids).order_by("run_id", "-number").distinct("run_id")
    plans = {plan.run_id: plan for plan in newest}
    actions: dict[uuid.UUID, list[tuple[Action, dict[str, Any]]]] = {pk: [] for pk in ids}
    for row, read in zip(rows, shapes(rows, viewer), strict=True):
        actions[row.run].append((row, read))
    return [
        {
            "id": run.pk,
            "goal": run.goal,
            "status": run.status,
            "plan": {
                **_intended(plans.get(run.pk)),
                "goal": run.goal,
                "steps": [{"number": a.step, "tool": a.tool_name, "action": a.pk} for a, _ in actions[run.pk]],
                "missing": [run.question] if run.question else [],
            },
            "actions": [read for _, read in actions[run.pk]],
            "report": _report(run, reports.get(run.pk)),
            "created": run.created,
            "finished": run.finished_at,
        }
        for run in runs
    ]


def _intended(plan: RunPlan | None) -> dict[str, Any]:
    """What was planned, without the arguments, some of which may be secrets."""
    if plan is None:
        return {"restated": "", "intended": []}
    steps = [{"tool": step["tool"], "does": step["does"], "after": step["after"]} for step in plan.steps]
    return {"restated": plan.goal, "intended": steps}


def _report(run: Run, report: Report | None) -> dict[str, Any] | None:
    if report is not None:
        return {"lines": report.lines, "claim": report.claim, "problem": run.problem}
    if run.status in FINISHED or run.status == RunStatus.NEEDS_HUMAN:
        return {"lines": report_lines(run.pk), "claim": "", "problem": run.problem}
    return None


def _one(request: ApiRequest, run_id: uuid.UUID) -> Run:
    found = visible_runs(request.auth.membership).filter(pk=run_id).first()
    if found is None:
        raise Http404
    return found


def _shape(request: ApiRequest, run: Run) -> dict[str, Any]:
    run.refresh_from_db()
    return run_shapes([run], request.auth)[0]


@router.post("", response={201: RunOut}, operation_id="submit_run", auth=Bearer(OPERATE), openapi_extra=WRITES)
def submit_run(
    request: ApiRequest,
    payload: RunIn,
    key: Annotated[str | None, Header(alias=KEY_HEADER, pattern=KEY_PATTERN)] = None,
) -> Status[Any]:
    """Give a goal. It is accepted in one transaction; the planner takes it up within a second or so.

    The same Idempotency-Key with the same body returns the run that the first one made; with another body it is a
    conflict.
    """
    for name in OURS:
        if name in payload.context:
            raise FieldRefused(f"context.{name}", "is kept by the product itself")
    identity = request.auth
    with refusals_remembered(request):
        run = submit(
            initiator=identity.user,
            organization=identity.organization_id,
            goal=payload.goal,
            context=payload.context,
            client_key=key,
        )
    given = {name: value for name, value in run.context.items() if name not in OURS}
    if (run.goal, given) != (payload.goal.strip(), payload.context):
        raise KeyReused(run=str(run.pk))
    return Status(201, _shape(request, run))


@router.get("", response=Page[RunOut], operation_id="list_runs", auth=READERS, openapi_extra=READS)
def list_runs(
    request: ApiRequest,
    before: Annotated[uuid.UUID | None, Query(description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
    status: STATUSES | None = None,
) -> dict[str, Any]:
    """Runs that this token may read, newest first."""
    found: RunQuerySet = visible_runs(request.auth.membership)
    if before is not None:
        found = found.filter(pk__lt=before)
    if status is not None:
        found = found.filter(status=status)
    rows, behind = cut(list(found[: limit + 1]), limit)
    return {"items": run_shapes(rows, request.auth), "next": behind}


@router.get("/{uuid:run_id}", response=RunOut, operation_id="get_run", auth=READERS, openapi_extra=READS_ONE)
def get_run(request: ApiRequest, run_id: uuid.UUID) -> dict[str, Any]:
    """One run: its plan, its actions, and its report once there is one."""
    return run_shapes([_one(request, run_id)], request.auth)[0]


@router.get(
    "/{uuid:run_id}/events", response=Page[EventOut], operation_id="list_run_events", auth=READERS,
    openapi_extra=READS_ONE,
)  # fmt: skip
def list_run_events(
    request: ApiRequest,
    run_id: uuid.UUID,
    after: Annotated[uuid.UUID | None, Query(description="The `next` of the page before, or an event's id.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> dict[str, Any]:
    """What happened to a run and its actions, in order. Ask again behind the last event to follow it."""
    run = _one(request, run_id)
    found = Event.objects.within(run.organization_id).filter(run=run.pk).order_by("id")
    if after is not None:
        found = found.filter(id__gt=after)
    rows, behind = cut(list(found[: limit + 1]), limit)
    return {"items": [event_shape(row) for row in rows], "next": behind}


@router.post(
    "/{uuid:run_id}/input", response=RunOut, operation_id="answer_run", auth=Bearer(OPERATE), openapi_extra=WRITES_ONE
)
def answer_run(request: ApiRequest, run_id: uuid.UUID, payload: InputIn) -> dict[str, Any]:
    """Answer the question that a run waits with, or tell one that gave up how to go on."""
    run = _one(request, run_id)
    identity = request.auth
    with refusals_remembered(request):
        run = answer(actor=identity.user, organization=identity.organization_id, run_id=run.pk, text=payload.text)
    return _shape(request, run)


@router.post(
    "/{uuid:run_id}/cancel", response=RunOut, operation_id="cancel_run", auth=Bearer(OPERATE), openapi_extra=WRITES_ONE
)
def cancel_run(request: ApiRequest, run_id: uuid.UUID, payload: CancelIn | None = None) -> dict[str, Any]:
    """End a run: what it still has under the gate is withdrawn; what executes already finishes and is recorded."""
    run = _one(request, run_id)
    identity = request.auth
    reason = payload.reason if payload else ""
    with refusals_remembered(request):
        run = cancel(actor=identity.user, organization=identity.organization_id, run_id=run.pk, reason=reason)
    return _shape(request, run)
