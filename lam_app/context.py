"""What the model is shown of a run, and what its report says: both made anew from the rows at every step."""

import base64
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, OuterRef

from approvals import binding, codes
from approvals.models import Action, Decision, Remark, Revision
from approvals.policy import Ruling, Verdict
from approvals.reading.differences import changed_paths
from lam_app.models import Content, Run
from lam_app.planner.intent import Attached, PlannerContext, StepSeen, ToolCard
from lam_app.planner.planning import plan_of
from lam_app.planner.providers import ModelConfig
from tools.contract import Contract
from tools.models import Execution, Tool, ToolVersion

MODEL_SECONDS = 90.0


def model_config() -> ModelConfig:
    """Which model to ask, from the settings. The key is handed on and nowhere kept."""
    return ModelConfig(
        base_url=settings.OPENAI_BASE_URL,
        api_key=settings.OPENAI_API_KEY,
        model=settings.LAM_MODEL,
        timeout=MODEL_SECONDS,
    )


def of(
    run: Run,
    at: datetime,
    *,
    plans: Sequence[Mapping[str, Any]] = (),
    corrections: tuple[str, ...] = (),
    files: Sequence[Mapping[str, Any]] = (),
) -> PlannerContext:
    """The context of a run's next step; ``at`` is the time by the database's clock, which says what day it is,
    ``plans`` are the versions of its plan, oldest first, and ``files`` what came with the goal.
    """
    zone = run.organization.zone_of(run.initiator)
    corrected = next((number for number in range(len(plans) - 1, -1, -1) if plans[number]["author"]), None)
    standing = plans[-1] if plans and corrected != len(plans) - 1 else None
    since = datetime.fromisoformat(plans[corrected]["created"]) if corrected is not None else None
    seen, talk = steps(run.id, since=since)
    asked = [(a["question"], a["answer"]) for a in run.context.get("answers", [])]
    return PlannerContext(
        run_id=str(run.id),
        goal=run.goal,
        initiator=run.initiator.username,
        today=at.astimezone(ZoneInfo(zone)).date().isoformat(),
        timezone=zone,
        tools=cards(run),
        steps=seen,
        corrections=corrections,
        extra="\n".join([*(f"{question} {answer}" for question, answer in asked), *(line for line, _ in talk)]),
        plan=plan_of(standing),
        corrected=plans[corrected]["goal"] if corrected is not None else "",
        answers=(*(answer for _, answer in asked), *(said for _, said in talk if said)),
        attached=tuple(_attached(run.organization_id, one) for one in files),
    )


def _attached(organization: uuid.UUID, file: Mapping[str, Any]) -> Attached:
    """A file as the model is told of it; the pixels of an image only where the model is set up for them."""
    image = ""
    if file["kind"] == Content.Kind.IMAGE and settings.LAM_MODEL_IMAGES:
        row = Content.objects.get(organization_id=organization, sha256=file["digest"])
        image = f"data:{file['media']};base64,{base64.b64encode(row.data).decode()}"
    return Attached(file["name"], file["kind"], file["text"], file["digest"], image)


def cards(run: Run) -> tuple[ToolCard, ...]:
    """The tools that may be proposed for this initiator by this agent. What is not offered cannot be chosen."""
    tools = (
        Tool.objects.usable(run.organization_id, run.initiator_id, run.agent_id)
        .select_related("version")
        .order_by("name")
    )
    offered = []
    for tool in tools:
        if tool.version is None:
            continue
        contract = Contract.from_json(tool.version.contract)
        offered.append(
            ToolCard(
                name=tool.name,
                description=contract.description,
                schema=contract.arguments_schema,
                tier=tool.tier,
                version=tool.version.hash,
            )
        )
    return tuple(offered)


def steps(run: uuid.UUID, *, since: datetime | None = None) -> tuple[tuple[StepSeen, ...], list[tuple[str, str]]]:
    """Every step so far with what became of it, and what people said about them (see ``_discussed``). ``since`` is when
    the goal was corrected.
    """
    spoken = Remark.objects.filter(action=OuterRef("pk"), kind=Remark.Kind.ANSWER)
    actions: list[Any] = list(Action.objects.of_run(run).annotate(discussed=Exists(spoken)))
    ids = [action.id for action in actions]
    ledger = {row.action: row for row in Execution.objects.filter(action__in=ids)}
    revisions = Revision.objects.filter(action__in=ids).select_related("tool_version").order_by("number")
    written: dict[uuid.UUID, list[Revision]] = {}
    for revision in revisions:
        written.setdefault(revision.action_id, []).append(revision)
    rejected = [action.id for action in actions if action.status == "rejected"]  # none: then nobody is asked why
    refusals = {
        d.action_id: codes.told(d.code, d.reason)
        for d in Decision.objects.filter(action__in=rejected, verb=Decision.Verb.REJECT)
    }
    seen = []
    for action in actions:
        revision = written[action.id][action.revision - 1]
        row = ledger.get(action.id)
        reason = refusals.get(action.id)
        if action.status == "withdrawn":
            reason = "It was withdrawn because the goal was corrected; propose what the corrected goal calls for."
        if action.status == "denied":
            reason = " ".join(
                f.text for f in Ruling.from_json(binding.parsed(revision.ruling)).findings if f.verdict is Verdict.DENY
            )
        seen.append(
            StepSeen(
                number=action.step,
                tool=action.tool_name,
                arguments=binding.parsed(revision.arguments),
                status=action.status,
                result=binding.parsed(row.result) if row and row.result else None,
                error=(row.error_text or None) if row else None,
                reason=reason,
                changed=_changed(written[action.id], revision),
                trusted=bool(revision.tool_version and revision.tool_version.contract.get("trusted_output")),
                before=since is not None and action.created < since,
            )
        )
    return tuple(seen), _discussed([action for action in actions if action.discussed])


def _changed(written: list[Revision], standing: Revision) -> str | None:
    """What people made of the call that the agent had proposed, in words; None where nobody touched it."""
    if not any(one.author_id for one in written if one.number <= standing.number):
        return None
    first = written[0]
    was, now = (_name(one.tool_version) for one in (first, standing))
    if was != now:
        return f"{now} in place of {was}"
    paths = changed_paths(binding.parsed(first.arguments), binding.parsed(standing.arguments))
    return ", ".join(paths) or None


def _name(version: ToolVersion | None) -> str:
    return str(version.contract["name"]) if version else ""


def _discussed(actions: Sequence[Action]) -> list[tuple[str, str]]:
    """What reviewers asked about a run's steps and were told: each line as the model reads it, with the words in it
    that are of somebody for whom the run acts.
    """
    if not actions:
        return []
    numbers = {action.id: action.step for action in actions}
    kinds = (Remark.Kind.QUESTION, Remark.Kind.ANSWER)
    lines = []
    for remark in Remark.objects.filter(action__in=numbers, kind__in=kinds).order_by("id"):
        answer = remark.kind == Remark.Kind.ANSWER
        what = "the answer was" if answer else "a reviewer asked"
        lines.append((f"About step {numbers[remark.action_id]} {what}: {remark.text}", remark.text if answer else ""))
    return lines


def report_lines(run: uuid.UUID) -> list[dict[str, Any]]:
    """What a run did, step by step: from actions and ledger rows, never from what the model says."""
    done = Execution.objects.filter(action=OuterRef("pk"), status="done")
    actions: Iterable[Any] = Action.objects.of_run(run).select_related("tool__version").annotate(in_ledger=Exists(done))
    lines = []
    for action in actions:
        contract = Contract.from_json(action.tool.version.contract) if action.tool and action.tool.version else None
        lines.append(
            {
                "step": action.step,
                "action": str(action.id),
                "tool": action.tool_name,
                "summary": action.summary,
                "status": action.status,
                "in_ledger": action.in_ledger,
                "reversible": bool(contract and contract.reversible),
            }
        )
    return lines
