"""Putting an archive together: everything that belongs to an action or a run, the proof of it, and the signature."""

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Final

from django.db.models import Q

from accounts.models import Membership, Organization
from approvals.models import Action
from lam_app.evidence.drawing import drawn
from lam_app.evidence.gathering import Rows, document, documents, rows_of, told, trace
from lam_app.evidence.masks import Masks
from lam_app.evidence.rights import Matter, matter_of, may_have, reads_reasoning
from lam_app.evidence.wording import readme
from lam_app.models import Report, Run, RunPlan
from traces.archives import LARGEST, RECORD, bound
from traces.chain import moment
from traces.clock import now
from traces.exceptions import DomainError
from traces.inquiry import Inquiry
from traces.models import Event, Trace
from traces.proving import Proof, excerpt, proof_of
from traces.sealer import Signer
from traces.working import Step

PATIENCE: Final = timedelta(minutes=10)
"""How long it is waited for that everything is sealed; after that the archive says what is not."""
MOST_ACTIONS: Final = 200


class EvidenceGone(DomainError):
    """There is no such action or run, or it may no longer be given to whoever asked."""


class EvidenceTooLarge(DomainError):
    """One archive cannot hold this much. Ask for its actions one by one."""


def evidence(signer: Signer) -> Callable[[Inquiry], Iterator[Step]]:
    """Make the archive that an inquiry asks for."""

    def steps(inquiry: Inquiry) -> Iterator[Step]:
        reader, matter = _asked(inquiry)
        actions = _actions(matter, inquiry.organization)
        gathered = [rows_of(action) for action in actions]
        proof = proof_of(inquiry.organization, _events(inquiry, matter, gathered))
        if proof.unsealed and now() - inquiry.asked_at < PATIENCE:
            yield Step(waits=True)
            return
        yield Step(expected=len(gathered) + 1)
        reasoning = reads_reasoning(reader, matter)
        members: dict[str, bytes] = {RECORD: excerpt(proof, signer)}
        for at, rows in enumerate(gathered, 1):
            before = "" if matter.kind == "action" else f"actions/{rows.action.step:03d}-{rows.action.pk}/"
            for name, content in documents(rows, reasoning=reasoning).items():
                members[before + name] = content
            members[f"{before}card.html"] = drawn(rows.action, reader, rows.masks, reasoning=reasoning)
            if sum(map(len, members.values())) > LARGEST:
                raise EvidenceTooLarge
            yield Step(seen=at)
        if matter.kind == "run":
            members |= _run(inquiry, matter.id, gathered, reasoning=reasoning)
        manifest = _told(inquiry, matter, gathered, proof, reasoning=reasoning)
        members["README.txt"] = readme(manifest).encode()
        yield Step(
            seen=len(gathered) + 1,
            data=bound(manifest, members, signer.kid, signer.sign),
            found={"actions": len(gathered), "events": len(proof.events), "reasoning": reasoning},
        )

    return steps


def _asked(inquiry: Inquiry) -> tuple[Membership, Matter]:
    """Who asked and of what, if they still may. Raises EvidenceGone."""
    reader = Membership.objects.filter(
        organization_id=inquiry.organization, user_id=inquiry.asked_by, user__is_active=True
    ).first()
    matter = matter_of(inquiry.organization, inquiry.subject_kind, inquiry.subject) if inquiry.subject else None
    if reader is None or matter is None or not may_have(reader, matter):
        raise EvidenceGone
    return reader, matter


def _actions(matter: Matter, organization: uuid.UUID) -> list[Action]:
    found = Action.objects.within(organization)
    found = found.filter(pk=matter.id) if matter.kind == "action" else found.filter(run=matter.id)
    related = found.select_related("initiator", "agent", "tool", "tool__owner")
    actions = list(related.defer("initiator__password", "tool__owner__password").order_by("step")[: MOST_ACTIONS + 1])
    if len(actions) > MOST_ACTIONS:
        raise EvidenceTooLarge
    return actions


def _events(inquiry: Inquiry, matter: Matter, gathered: list[Rows]) -> list[Event]:
    """The events that belong to it, up to the moment in which it was asked for."""
    subjects = {matter.id, *(subject for rows in gathered for subject in rows.subjects)}
    about = Q(subject__in=subjects) | Q(run=matter.id) if matter.kind == "run" else Q(subject__in=subjects)
    found = Event.objects.filter(about, organization=inquiry.organization, at__lte=inquiry.asked_at)
    known = {event.pk: event for event in found}
    erased = Event.objects.filter(subject__in=[*known], verb="erased", subject_kind="event")
    return [*known.values(), *erased.filter(organization=inquiry.organization, at__lte=inquiry.asked_at)]


def _told(inquiry: Inquiry, matter: Matter, gathered: list[Rows], proof: Proof, *, reasoning: bool) -> dict[str, Any]:
    """What the archive's list says beside the members: what it is of, who asked for it, and who had which part."""
    name = Organization.objects.filter(pk=inquiry.organization).values_list("name", flat=True).first()
    return {
        "organization": str(inquiry.organization),
        "organization_name": name or "",
        "of": matter.kind,
        "subject": str(matter.id),
        "run": str(matter.run),
        "made_for": inquiry.asked_name,
        "asked_at": moment(inquiry.asked_at),
        "made_at": moment(now()),
        "reasoning": reasoning,
        "unsealed": [str(event) for event in proof.unsealed],
        "told": [told(rows) for rows in gathered],
    }


def _run(inquiry: Inquiry, run_id: uuid.UUID, gathered: list[Rows], *, reasoning: bool) -> dict[str, bytes]:
    """The run's own documents: goal, plans, report, and the model's calls."""
    run = Run.objects.within(inquiry.organization).get(pk=run_id)
    hide = _together(gathered)
    calls = Trace.objects.filter(organization=inquiry.organization, run=run.pk).order_by("id")
    report = Report.objects.filter(run=run).first()
    return {
        "run.json": document(
            {
                "id": str(run.pk), "goal": hide.text(run.goal), "status": str(run.status),
                "initiator": run.initiator.username, "agent": run.agent.name, "created": moment(run.created),
                "finished": moment(run.finished_at) if run.finished_at else None, "problem": hide.text(run.problem),
                "question": hide.text(run.question),
            }
        ),
        "plan.json": document(
            [
                {
                    "number": plan.number, "goal": hide(plan.goal), "steps": hide(plan.steps),
                    "missing": hide(plan.missing), "by": "a person" if plan.author_id else "the agent",
                    "created": moment(plan.created),
                }
                for plan in RunPlan.objects.filter(run=run).order_by("number")
            ]
        ),
        "report.json": document(
            {"lines": hide(report.lines), "claim": hide(report.claim), "created": moment(report.created)}
            if report
            else None
        ),
        "calls.json": document(
            [
                trace(inquiry.organization, pk, hide, reasoning=reasoning)
                for pk in calls.values_list("pk", flat=True)
            ]
        ),
    }  # fmt: skip


def _together(gathered: list[Rows]) -> Masks:
    """The masks of all actions at once."""
    found = [rows.masks for rows in gathered]
    fields, values = frozenset[str](), frozenset[str]()
    return Masks(fields.union(*(one.fields for one in found)), values.union(*(one.values for one in found)))
