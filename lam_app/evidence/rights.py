"""Who may have evidence, and of what: auditors of everything, and whoever gave a goal of what was done for it."""

import uuid
from dataclasses import dataclass

from accounts.models import Membership
from accounts.roles import Role
from approvals.models import Action
from lam_app.models import Run
from traces.inquiry import Inquiry


@dataclass(frozen=True)
class Matter:
    """What evidence is of: an action, or a run with its actions."""

    kind: str
    id: uuid.UUID
    run: uuid.UUID
    initiator: uuid.UUID | None
    principals: frozenset[uuid.UUID]


def matter_of(organization: uuid.UUID, kind: str, subject: uuid.UUID) -> Matter | None:
    """The action or run of this organization; None where there is none. A run without a goal is an outside agent's."""
    if kind == "action":
        action = Action.objects.within(organization).filter(pk=subject).first()
        if action is None:
            return None
        initiator = None if action.canary else action.initiator_id  # nobody whom a canary seems to act for hears of it
        return Matter(kind, subject, action.run, initiator, frozenset(action.principals))
    run = Run.objects.within(organization).filter(pk=subject).first()
    if run is None:
        return None
    people = Action.objects.within(organization).filter(run=subject).values_list("principals", flat=True)
    return Matter(kind, subject, subject, run.initiator_id, frozenset({run.initiator_id}.union(*people)))


def may_have(reader: Membership, matter: Matter) -> bool:
    """Whether a person may ask for this evidence, and fetch it."""
    return reader.has(Role.AUDITOR) or reader.user_id == matter.initiator


def reads_reasoning(reader: Membership, matter: Matter) -> bool:
    """Whether the model's reasoning is part of it: for developers and auditors, never for whom it acts."""
    return reader.has(Role.AUDITOR, Role.DEVELOPER) and reader.user_id not in matter.principals


def may_fetch(reader: Membership, inquiry: Inquiry) -> bool:
    """Whether a person may take a file: their own, or as an auditor one that another auditor's rights went into."""
    if inquiry.kind == Inquiry.Kind.EXPORT:
        return reader.has(Role.AUDITOR)
    if inquiry.subject is None or inquiry.kind != Inquiry.Kind.EVIDENCE:
        return False
    matter = matter_of(inquiry.organization, inquiry.subject_kind, inquiry.subject)
    if matter is None or not may_have(reader, matter):
        return False
    # Somebody else's archive may hold reasoning that is not for this reader.
    return inquiry.asked_by == reader.user_id or reads_reasoning(reader, matter)
