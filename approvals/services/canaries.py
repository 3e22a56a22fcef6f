"""Canaries as people meet them: an auditor defines them and says how many; a reviewer's word on one ends it.

Nothing here lets anything run. A canary ends where it stands: a yes, a question or a change withdraws it, a no rejects
it, and each is told in the record with how it ended. What a reviewer said of it counts for the auditor and for nothing
else.
"""

import math
import random
import uuid
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction

from accounts.actors import person
from accounts.models import Membership, User
from accounts.roles import Role
from approvals import binding
from approvals.exceptions import CanaryRefused, NoSuchCanary, NotAuditor, ReasonMissing
from approvals.models import Action, Canary, CanaryPlan, CanaryTemplate
from approvals.models.canaries import MOST_RATE
from approvals.policy import Verdict
from approvals.services.likely import judged_now, stand_in
from approvals.states import ActionStatus
from tools.models import Tool
from traces.clock import Moment, now
from traces.ids import uuid7
from traces.services import Actor, Entry, move, record
from traces.text import storable

CANARIES: Final = Actor.system("canaries")
LONGEST_WHY: Final = 1000
LONGEST_CLAIM: Final = 2000
NO_GOAL: Final = (
    "Say which goal it seems to serve: requests of this tool belong to runs, and a run without one stands out."
)
WORDS: Final = {
    "approve": "It was a canary, and it was approved. Nothing ran, and nothing could have.",
    "reject": "It was a canary, and it was found.",
    "edit": "It was a canary, and somebody noticed that it had to be changed.",
    "ask": "It was a canary, and somebody noticed that it had to be asked about.",
}
_CHANCE: Final = random.SystemRandom()


def ended(action: Action, actor: User, *, how: str, said: str = "") -> None:
    """A reviewer's word on a canary that is no rejection: it is withdrawn, and the record says what it was. Call it
    inside the transaction of the verb, with the action locked."""
    move(
        Action,
        [action.id],
        ActionStatus.IN_REVIEW,
        ActionStatus.WITHDRAWN,
        actor=CANARIES,
        verb="was_a_canary",
        reason=WORDS[how],
        details={action.id: {"how": how, "by": str(actor.pk), **({"said": said} if said else {})}},
        changes={"settled_at": Moment()},
    )


def tell_ended(action: Action, actor: User, *, how: str) -> None:
    """A reviewer's no to a canary has ended it like any other; the record says what it was."""
    record(
        Entry(
            organization=action.organization_id,
            actor=CANARIES,
            verb="was_a_canary",
            subject_kind="action",
            subject=action.id,
            reason=WORDS[how],
            run=action.run,
            detail={"how": how, "by": str(actor.pk)},
        )
    )


def define(
    *, by: User, organization: uuid.UUID, tool: str, arguments: Mapping[str, Any], why: str, claim: str = "",
    goal: str = "",
) -> CanaryTemplate:  # fmt: skip
    """Define a canary: arguments of a tool that a reader should not let go, and why not.

    ``goal`` is what it seems to be asked for: where the built-in planner's runs show theirs, a canary without one would
    stand out. It is judged as things stand now, as if somebody had proposed it. Raises NotAuditor, ReasonMissing, and
    CanaryRefused where it could not come before a reviewer, with why.
    """
    _auditor(by, organization)
    if not why.strip():
        raise ReasonMissing("Say what a reader should notice.", errors={"why": "Say what a reader should notice."})
    if len(why) > LONGEST_WHY or max(len(claim), len(goal)) > LONGEST_CLAIM:
        raise CanaryRefused("That is too much text.")
    found = Tool.objects.filter(organization_id=organization, name=tool).first()
    if found is None:
        raise CanaryRefused("There is no such tool.", errors={"tool": "There is no such tool."})
    whose = stand_in(found)
    if whose is None:
        raise CanaryRefused("Nobody and no agent may use this tool, so no request of it would be believed.")
    if whose.planner and not goal.strip():
        raise CanaryRefused(NO_GOAL, errors={"goal": NO_GOAL})
    judged, _ = judged_now(found, dict(arguments), whose)
    if judged.facts.problems:
        path, message = judged.facts.problems[0]
        raise CanaryRefused(f"{path}: {message}", errors={"arguments": f"{path}: {message}"})
    if judged.ruling.verdict is not Verdict.REVIEW:
        denied = judged.ruling.verdict is Verdict.DENY
        why_not = next((f.text for f in judged.ruling.findings if f.verdict is judged.ruling.verdict), "")
        says = "deny this by itself" if denied else "let calls like this go without a person"
        raise CanaryRefused(f"The policy would {says}, so no reviewer would ever see it. {why_not}".strip())
    template = CanaryTemplate(
        id=uuid7(),
        organization_id=organization,
        tool=found,
        arguments=binding.text(judged.arguments),
        claim=storable(claim.strip()),
        goal=storable(goal.strip()),
        why=storable(why.strip()),
        made_by=by,
    )
    with transaction.atomic():
        template.save(force_insert=True)
        _tell(template.id, "canary_template", by, organization, "canary_defined", template.why, tool=tool)
    return template


def retire(*, by: User, organization: uuid.UUID, template: uuid.UUID) -> None:
    """Take a canary out: none of it is planted any more. Raises NotAuditor, NoSuchCanary."""
    _auditor(by, organization)
    with transaction.atomic():
        rows = CanaryTemplate.objects.filter(pk=template, organization_id=organization, retired_at=None)
        if not rows.update(retired_at=now(), retired_by=by):
            raise NoSuchCanary
        _tell(template, "canary_template", by, organization, "canary_retired", "")


def set_rate(*, by: User, organization: uuid.UUID, rate: float, reason: str) -> CanaryPlan:
    """Say how many canaries there are for each real request that comes before people. Raises NotAuditor, ReasonMissing,
    and CanaryRefused for a rate that is none, or above MOST_RATE."""
    _auditor(by, organization)
    if not reason.strip():
        raise ReasonMissing(errors={"reason": ReasonMissing().message})
    if not 0 <= rate <= MOST_RATE:  # NaN is not either
        raise CanaryRefused(f"The rate is from 0 to {MOST_RATE:.0%}.", errors={"rate": "From 0 to 5 percent."})
    with transaction.atomic():
        plan, made = CanaryPlan.objects.select_for_update().get_or_create(
            organization_id=organization, defaults={"rate": rate, "set_by": by, "countdown": gap(rate)}
        )
        before = 0.0 if made else plan.rate
        if not made:
            plan.rate, plan.set_by, plan.set_at, plan.countdown = rate, by, now(), gap(rate)
            plan.save(update_fields=["rate", "set_by", "set_at", "countdown"])
        told = {"from": f"{before:.4f}", "to": f"{rate:.4f}"}
        _tell(plan.id, "canary_plan", by, organization, "canary_rate_set", reason.strip(), **told)
    return plan


def gap(rate: float) -> int:
    """After how many real requests the next canary comes: by chance, so that nobody can count to it."""
    if rate <= 0:
        return 0
    return 1 + int(math.log(1.0 - _CHANCE.random()) / math.log(1.0 - rate))


def why_of(action: Action) -> str:
    """What a reader should have noticed on a canary that has ended; empty for what is none, and while it waits."""
    if not action.canary or action.status in {ActionStatus.PROPOSED, ActionStatus.IN_REVIEW}:
        return ""
    found = Canary.objects.filter(action=action).values_list("template__why", flat=True).first()
    return found or ""


def _auditor(by: User, organization: uuid.UUID) -> None:
    if not Membership.objects.holds(by, organization, Role.AUDITOR):
        raise NotAuditor


def _tell(  # noqa: PLR0917
    subject: uuid.UUID, kind: str, by: User, organization: uuid.UUID, verb: str, reason: str, **detail: str
) -> None:
    record(
        Entry(
            organization=organization,
            actor=person(by),
            verb=verb,
            subject_kind=kind,
            subject=subject,
            reason=reason,
            detail=detail,
        )
    )
