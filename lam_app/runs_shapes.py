"""Runs as programs read them: the shapes of the API's answers, and how rows become them."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from accounts.api import Identity
from approvals.models import Action
from approvals.shapes import ActionOut, shapes
from lam_app.context import report_lines
from lam_app.models import Attachment, Report, Run, RunPlan
from lam_app.planted import plan_row
from lam_app.states import FINISHED, RunStatus
from traces.wire import Answer

STATUSES = Literal[
    "submitted", "planning", "waiting", "needs_input", "needs_human", "succeeded", "failed", "cancelled", "halted",
    "undoing", "undone",
]  # fmt: skip


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


class AttachmentOut(Answer):
    """A file that came with the goal; `kind` is told by its bytes, `notes` are sentences for people."""

    name: str
    kind: Literal["text", "csv", "pdf", "image"]
    size: int
    sha256: str
    notes: list[str]


class RunOut(Answer):
    """One goal and where it stands."""

    id: uuid.UUID
    goal: str
    attachments: list[AttachmentOut]
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
    files: dict[uuid.UUID, list[dict[str, Any]]] = {pk: [] for pk in ids}
    for file in Attachment.objects.within(viewer.organization_id).filter(run__in=ids):
        files[file.run_id].append(_file(file))
    actions: dict[uuid.UUID, list[tuple[Action, dict[str, Any]]]] = {pk: [] for pk in ids}
    for row, read in zip(rows, shapes(rows, viewer), strict=True):
        actions[row.run].append((row, read))
    return [
        {
            "id": run.pk,
            "goal": run.goal,
            "attachments": files[run.pk],
            "status": run.status,
            "plan": {
                **_intended(plans.get(run.pk) or plan_row(run, [row for row, _ in actions[run.pk]])),
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


def _file(file: Attachment) -> dict[str, Any]:
    content = file.content
    told = {"kind": content.kind, "size": content.size, "sha256": content.sha256, "notes": content.notes}
    return {"name": file.name, **told}


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
