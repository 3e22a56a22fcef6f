"""propose: an intent becomes an action under the gate, with its exact bytes, its facts and its ruling."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction

from approvals import binding
from approvals.exceptions import StepTaken
from approvals.facts import Budget, Gathered, Judged, gather
from approvals.models import Action, Revision
from approvals.policy import DryRunState, Origin, PlanState, Ruling, Verdict
from approvals.services.allow import allowed
from approvals.services.capacity import room_for
from approvals.services.escalation import steps_of
from approvals.services.preview import ask
from approvals.services.reserve import release, reserve
from approvals.services.window import review_seconds
from approvals.states import ActionStatus
from traces.clock import Moment, later
from traces.doorbell import ring
from traces.ids import uuid7
from traces.redaction import hidden
from traces.services import Actor, Entry, move, record
from traces.telemetry import span
from traces.text import storable


@dataclass(frozen=True)
class Proposal:
    """What somebody wants done, as it reaches the gate. Nothing in it is trusted but the ids that we put there."""

    organization: uuid.UUID
    run: uuid.UUID
    step: int
    origin: str  # planner | agent | undo
    initiator: uuid.UUID
    agent: uuid.UUID
    principals: tuple[uuid.UUID, ...]
    tool: str
    arguments: Mapping[str, Any]
    reasoning: str = ""
    confidence: float | None = None
    stated_confidence: float | None = None
    undo_of: uuid.UUID | None = None
    trace: uuid.UUID | None = None
    budget: Budget = field(default_factory=Budget)
    provenance: tuple[Origin, ...] = ()
    plan: PlanState = PlanState.NONE
    considered: tuple[Mapping[str, str], ...] = ()
    """``{"tool", "why_not"}`` for each tool that the agent says it left aside: shown, never believed."""


TARGETS = {
    Verdict.DENY: ActionStatus.DENIED,
    Verdict.REVIEW: ActionStatus.IN_REVIEW,
    Verdict.VETO_WINDOW: ActionStatus.SCHEDULED,
    Verdict.ALLOW: ActionStatus.PERMITTED,
}


def propose(proposal: Proposal) -> Action:
    """Rule on a proposal and stage what came of it, all in one transaction.

    Proposing the same thing for the same step again returns the action that exists: a planner that died after its
    commit may ask twice. A tool that can say beforehand what it would do is asked first: until its answer has come the
    action stays PROPOSED (``approvals.services.previewed``). Raises StepTaken when the step holds something else, and
    DeskFull where people have as much before them as they can look at: then nothing is staged, and nothing is counted.
    """
    with span("propose", run=proposal.run, gen_ai__conversation__id=str(proposal.run)) as mark:
        action = _proposed(proposal)
        known = action.tool_name if action.tool_id else None  # any other name is the agent's word
        mark.add({"countersign.action": str(action.id), "countersign.step": action.step, "gen_ai.tool.name": known})
        mark.add({"countersign.verdict": action.verdict, "countersign.risk": action.risk})
        return action


def _proposed(proposal: Proposal) -> Action:
    gathered = gather(proposal)
    try:
        with transaction.atomic():
            return _stage(proposal, gathered)
    except IntegrityError:  # another planner staged this step in between
        existing = Action.objects.filter(run=proposal.run, step=proposal.step).first()
        if existing is None:
            raise
        return _same(existing, proposal, gathered)


def _same(existing: Action, proposal: Proposal, gathered: Gathered) -> Action:
    revision = existing.revisions.get(number=1)
    if existing.tool_name != proposal.tool or revision.arguments_digest != gathered.arguments_digest:
        raise StepTaken(action=str(existing.id))
    return existing


def _stage(proposal: Proposal, gathered: Gathered) -> Action:
    existing = Action.objects.filter(run=proposal.run, step=proposal.step).first()
    if existing is not None:
        return _same(existing, proposal, gathered)
    pk = uuid7()
    staged = allowed(pk, gathered, reserve(pk, gathered))
    ruling = staged.ruling
    # Where the answer is no already, the tool is not even asked about a call that may not be made.
    awaited = staged.facts.dry_run.state is DryRunState.AWAITED and ruling.verdict is not Verdict.DENY
    if awaited or ruling.verdict is Verdict.REVIEW:
        room_for(proposal)
    action = Action(
        id=pk,
        organization_id=proposal.organization,
        run=proposal.run,
        step=proposal.step,
        origin=proposal.origin,
        initiator_id=proposal.initiator,
        agent_id=proposal.agent,
        principals=sorted({proposal.initiator, *proposal.principals}),
        tool=staged.tool,
        tool_name=proposal.tool,
        scopes=list(staged.scopes),
        verdict=ruling.verdict.value,
        risk=str(ruling.risk),
        maturity=str(ruling.maturity),
        quorum=max(1, ruling.quorum),
        teams=[list(team) for team in ruling.teams],
        unroutable=ruling.unroutable,
        summary=staged.summary,
        reasoning=hidden(proposal.reasoning),
        confidence=proposal.confidence,
        stated_confidence=proposal.stated_confidence,
        undo_of=proposal.undo_of,
        trace=proposal.trace,
        expires_at=staged.at + timedelta(seconds=review_seconds(ruling)),
    )
    if ruling.verdict is Verdict.VETO_WINDOW and not awaited:
        action.due_at = later(ruling.veto_seconds)
    revision = revise(action, staged, number=1, considered=proposal.considered)
    action.digest = revision.digest
    action.save(force_insert=True)
    revision.save(force_insert=True)
    by = Actor("agent", proposal.agent, staged.facts.agent.name)
    record(
        Entry(
            organization=proposal.organization,
            actor=by,
            verb="proposed",
            subject_kind="action",
            subject=action.id,
            target=ActionStatus.PROPOSED,
            run=proposal.run,
            detail={"tool": proposal.tool, "digest": revision.digest, "step": proposal.step, "revision": 1},
        )
    )
    if awaited:
        ask(action, revision)
        return action
    route(action, staged)
    if action.status == ActionStatus.IN_REVIEW:
        before_people(action, ruling)
    if action.status == ActionStatus.DENIED and staged.facts.usage:
        release([action.id])  # at once: nobody ever finds a limit used up by what was denied
    return action


def route(action: Action, staged: Judged) -> None:
    """Send a proposed action where its ruling says. The policy did it: no person and no agent."""
    target = TARGETS[staged.ruling.verdict]
    reasons = [f.text for f in staged.ruling.findings if f.verdict is staged.ruling.verdict]
    settled = target is ActionStatus.DENIED
    move(
        Action,
        [action.id],
        ActionStatus.PROPOSED,
        target,
        actor=Actor.system("policy"),
        verb="ruled",
        reason=" ".join(reasons)[:2000],
        details={action.id: {"verdict": action.verdict, "policy": staged.policy.number, "risk": action.risk}},
        changes={"settled_at": Moment()} if settled else None,
    )
    action.status = target
    if target is ActionStatus.PERMITTED:
        ring("approvals.tasks.sign_permits")
    if settled:
        ring("lam_app.tasks.advance_runs")


def before_people(action: Action, ruling: Ruling) -> None:
    """What goes with every way into review: the steps that time takes, and that nobody could decide, where so."""
    steps_of(action, ruling)
    tell_unroutable(action)


def tell_unroutable(action: Action) -> None:
    """Say in the record that nobody can decide on an action as things stand, where that is so. It waits all the same:
    whoever administers can mend it, and nothing is approved for want of people."""
    if action.unroutable:
        record(
            Entry(
                organization=action.organization_id,
                actor=Actor.system("policy"),
                verb="unroutable",
                subject_kind="action",
                subject=action.id,
                reason=action.unroutable,
                run=action.run,
                detail={"quorum": action.quorum, "teams": action.teams, "revision": action.revision},
            )
        )


MOST_CONSIDERED, MOST_NAME, MOST_WHY = 12, 200, 1000
"""Tools left aside that a revision keeps, and the characters of each one's name and of why it was left."""


def _aside(considered: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    return [
        {"tool": storable(str(one["tool"]))[:MOST_NAME], "why_not": hidden(storable(str(one["why_not"])))[:MOST_WHY]}
        for one in list(considered)[:MOST_CONSIDERED]
    ]


def revise(
    action: Action,
    staged: Judged,
    *,
    number: int,
    author: uuid.UUID | None = None,
    considered: Iterable[Mapping[str, str]] = (),
) -> Revision:
    """The immutable content of an action, ready to be saved. A later revision keeps what the first left aside."""
    digest = binding.revision_digest(
        organization=action.organization_id,
        run=action.run,
        step=action.step,
        action=action.id,
        number=number,
        tool=action.tool_name,
        tool_version=staged.version.hash if staged.version else "",
        arguments_digest=staged.arguments_digest,
        request_digest=staged.request_digest,
    )
    return Revision(
        organization_id=action.organization_id,
        action=action,
        number=number,
        tool_version=staged.version,
        policy_version=staged.policy,
        arguments=binding.text(staged.arguments),
        arguments_digest=staged.arguments_digest,
        request=binding.text(staged.request),
        request_digest=staged.request_digest,
        digest=digest,
        facts=binding.text(staged.facts.to_json()),
        ruling=binding.text(staged.ruling.to_json()),
        author_id=author,
        considered=_aside(considered),
    )
