"""grant, revoke: a person says yes to what is shown and to calls like it, inside bounds; and takes that back.

Whoever makes a grant could approve each of its calls and sets how freely the tool acts: both rights are asked, here,
by the database at the row, and again whenever the grant is used. The grant answers what the tool's dial asks and
nothing else, so one that would not have let the example go is refused.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts.actors import person
from accounts.models import Team, User
from approvals.exceptions import GrantNotFound, GrantRefused, NotPermitted
from approvals.facts import Gathered, gather, judged
from approvals.facts.usage import plain, standing
from approvals.models import Action, Grant
from approvals.policy import Verdict
from approvals.policy.grants import DAYS, MOST_DAYS, MOST_USES, Bound, Granted
from approvals.services.approve import approve
from approvals.services.bounds import Asked, bounds_of, total_of
from approvals.services.deciding import freshly_signed_in, remembers_refusals, shown, take
from approvals.services.rejudge import asked_again
from approvals.states import ActionStatus
from tools.queries import holds
from traces.clock import later
from traces.exceptions import DomainError
from traces.ids import uuid7
from traces.services import Entry, record, refused

LONGEST_REASON = 500
OTHERS_TOO = "This call waits for somebody else's yes too, so nobody allows calls like it alone."


@dataclass(frozen=True)
class Wanted:
    """A grant as somebody asks for it. Nothing in it is trusted."""

    bounds: Mapping[str, Asked] = field(default_factory=dict)
    """For each argument, how it is bounded."""
    uses: int = 1
    total: str = ""
    """Money of all calls together; empty for a tool that moves none."""
    days: int = DAYS
    team: str = ""
    """A team of the initiator's, whose people are all meant; empty for the initiator alone."""
    reason: str = ""


def drafted(action: Action, wanted: Wanted, actor: User) -> Granted:
    """A grant as it would be made, to be looked at first. Nothing is kept. Raises GrantRefused."""
    revision = action.revisions.get(number=action.revision)
    gathered = gather(asked_again(action, revision))
    _, as_used = _asked_for(action, gathered, wanted, actor)
    _would_help(action, gathered, as_used)
    return as_used


@remembers_refusals("grant")
def make_grant(
    *,
    actor: User,
    organization: uuid.UUID,
    action_id: uuid.UUID,
    digest: str,
    wanted: Wanted,
    signed_in_at: datetime | None = None,
    opened: Mapping[str, str] | None = None,
) -> Grant | None:
    """Approve an action, and allow calls like it: both, or neither.

    Of a canary the yes counts as one like any other and ends it, and there is no grant: None. Raises GrantRefused with
    what is wrong where, NotPermitted, and as ``approve``.
    """
    action = take(actor=actor, organization=organization, action_id=action_id)
    if action.tool_id is None or not holds(actor.pk, action.tool_id, "configure_tool"):
        raise NotPermitted("Only who may review and configure a tool allows its calls beforehand.", state=action.status)
    revision = shown(action, digest=digest, status=ActionStatus.IN_REVIEW)
    freshly_signed_in(action, signed_in_at)
    gathered = gather(asked_again(action, revision))
    grant, as_used = _asked_for(action, gathered, wanted, actor)
    grant.revision = revision
    _would_help(action, gathered, as_used)
    yes: dict[str, Any] = {
        "actor": actor,
        "organization": organization,
        "action_id": action_id,
        "digest": digest,
        "reason": wanted.reason,
        "signed_in_at": signed_in_at,
        "opened": opened,
    }
    if action.canary:  # a refusal would tell what it is; the database refuses a grant of one too
        if action.quorum > 1:
            raise GrantRefused(OTHERS_TOO)
        approve(**yes)
        return None
    grant.save(force_insert=True)
    record(
        Entry(
            organization=organization,
            actor=person(actor),
            verb="grant_made",
            subject_kind="grant",
            subject=grant.id,
            reason=grant.reason,
            detail={
                "action": str(action.id),
                "digest": revision.digest,
                "tool": action.tool_name,
                "uses": grant.uses,
                "total": f"{as_used.total or ''} {grant.currency}".strip(),
                "days": wanted.days,
                "for": wanted.team or gathered.facts.initiator.name,
                "arguments": {bound.argument: bound.bounds.value for bound in as_used.bounds},
            },
        )
    )
    approve(**yes)
    if Action.objects.filter(pk=action.pk, status=ActionStatus.IN_REVIEW).exists():  # which undoes the yes as well
        raise GrantRefused(OTHERS_TOO)
    return grant


def _asked_for(action: Action, gathered: Gathered, wanted: Wanted, actor: User) -> tuple[Grant, Granted]:
    """The row that is asked for, and the same as the policy sees it. Raises GrantRefused."""
    tool, version, contract = gathered.tool, gathered.version, gathered.contract
    if tool is None or version is None or contract is None or action.undo_of is not None:
        raise GrantRefused
    errors: dict[str, str] = {}
    secret = gathered.facts.tool.secret_fields if gathered.facts.tool else frozenset()
    bounds: tuple[Bound, ...] = bounds_of(
        contract.arguments_schema, gathered.arguments, wanted.bounds, secret=secret, errors=errors
    )
    total = total_of(gathered.facts, wanted.total, errors)
    if not 1 <= wanted.uses <= MOST_USES:
        errors["uses"] = f"From 1 to {MOST_USES} calls."
    if not 1 <= wanted.days <= MOST_DAYS:
        errors["days"] = f"From 1 to {MOST_DAYS} days."
    reason = wanted.reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        errors["reason"] = f"Say why, in at most {LONGEST_REASON} characters."
    team = _team(action, gathered, wanted.team, errors)
    if errors:
        raise GrantRefused("Something here is not filled in as it has to be. Nothing was decided.", errors=errors)
    row = Grant(
        id=uuid7(),
        organization_id=action.organization_id,
        example=action,
        tool=tool,
        tool_version=version,
        agent_id=action.agent_id,
        initiator_id=None if team else action.initiator_id,
        team=team,
        bounds=[bound.to_json() for bound in bounds],
        uses=wanted.uses,
        total=total,
        currency=gathered.facts.tool.currency if total is not None and gathered.facts.tool else "",
        reason=reason,
        made_by=actor,
        expires_at=later(wanted.days * 86_400),
    )
    return row, _as_used(row, gathered, bounds, actor)


def _as_used(row: Grant, gathered: Gathered, bounds: tuple[Bound, ...], actor: User) -> Granted:
    return Granted(
        id=str(row.id),
        by=str(actor.pk),
        by_name=actor.username,
        tool=gathered.facts.tool_requested,
        version_hash=gathered.version.hash if gathered.version else "",
        agent=str(row.agent_id),
        initiator=str(row.initiator_id) if row.initiator_id else "",
        team=row.team.name if row.team else "",
        bounds=bounds,
        uses=row.uses,
        used=0,
        total=None if row.total is None else plain(Decimal(row.total)),
        currency=row.currency,
    )


def _team(action: Action, gathered: Gathered, name: str, errors: dict[str, str]) -> Team | None:
    if not name:
        return None
    found = Team.objects.filter(organization_id=action.organization_id, name=name).first()
    if found is None or name not in (gathered.facts.initiator.teams or ()):
        errors["team"] = "One of the initiator's own teams."
    return found


def _would_help(action: Action, gathered: Gathered, grant: Granted) -> None:
    """Raise GrantRefused unless this very call would wait without the grant, and go with it."""
    usage = standing(action.id, gathered)
    if judged(gathered, usage).ruling.verdict is not Verdict.REVIEW:
        raise GrantRefused("Calls like this one wait for nobody, or are denied: there is nothing to allow.")
    again = judged(replace(gathered, facts=replace(gathered.facts, grant=grant)), usage).ruling
    if again.verdict is not Verdict.ALLOW:
        why = " ".join(finding.text for finding in again.findings if finding.verdict is again.verdict)
        raise GrantRefused(f"Calls like this one would be held all the same. {why}"[:2000])


def revoke_grant(*, actor: User, organization: uuid.UUID, grant_id: uuid.UUID, reason: str) -> Grant:
    """End a grant. What it let go and was not claimed yet goes back to people.

    Whoever made it may, and whoever configures its tool. Raises GrantNotFound, NotPermitted, GrantRefused.
    """
    why = reason.strip()

    def entry(verb: str, said: str, **detail: Any) -> Entry:
        return Entry(
            organization=organization,
            actor=person(actor),
            verb=verb,
            subject_kind="grant",
            subject=grant_id,
            reason=said,
            detail=detail,
        )

    try:
        with transaction.atomic():
            found = Grant.objects.select_for_update(of=("self",)).filter(
                organization_id=organization, pk=grant_id, revoked_at=None
            )
            grant = found.first()
            if grant is None:
                raise GrantNotFound
            if grant.made_by_id != actor.pk and not holds(actor.pk, grant.tool_id, "configure_tool"):
                raise NotPermitted("Who made it may revoke it, and who configures its tool.")
            if not why or len(why) > LONGEST_REASON:
                said = f"Say why, in at most {LONGEST_REASON} characters."
                raise GrantRefused(said, errors={"reason": said})
            record(entry("grant_revoked", why))
            grant.revoked_at, grant.revoked_by, grant.revoked_because = later(0), actor, why
            grant.save(update_fields=["revoked_at", "revoked_by", "revoked_because"])
    except DomainError as error:
        refused(entry("refused", error.message, attempt="grant_revoked", code=error.code))
        raise
    return grant
