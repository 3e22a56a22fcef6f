"""permit: what the gatekeeper looks at before it signs, and how a signed permit is written down.

The gatekeeper trusts nobody: it recomputes the digests from the stored bytes, replays the ruling on the stored
facts, counts the votes and looks up the voters' rights. The signature itself is made by ``approvals.permits``,
which only the gatekeeper's task imports.
"""

import logging
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from approvals import binding
from approvals.claims import EPOCH
from approvals.facts import current_policy
from approvals.models import Action, Decision, Permit, Revision
from approvals.policy import Facts, Verdict, rule
from approvals.services.rejudge import rejudge
from approvals.states import ActionStatus
from tools.permits import PermitClaims
from tools.queries import engaged_over, holds
from traces.clock import now
from traces.exceptions import DomainError
from traces.ids import uuid7
from traces.services import Actor, Entry, record

logger = logging.getLogger(__name__)
GATEKEEPER = Actor.system("gatekeeper")


class Void(Exception):
    """The action may not have a permit as it stands; the message says why and is shown to reviewers."""


@dataclass(frozen=True)
class Ready:
    """An action that may be permitted, with the claims to be signed."""

    action: Action
    revision: Revision
    claims: PermitClaims


def unsigned(limit: int) -> list[Action]:
    """Permitted actions that have no live permit yet, oldest first."""
    live = Permit.objects.filter(action=OuterRef("pk"), revoked_at=None)
    return list(
        Action.objects.filter(~Exists(live), status=ActionStatus.PERMITTED)
        .select_related("tool")
        .order_by("id")[:limit]
    )


def examine(action: Action) -> Ready | None:
    """The claims to sign for an action, or None after sending it back to review because they would not be true."""
    if engaged_over(action.scopes):
        return None  # held by a stop: the sweep halts it, and nothing is signed meanwhile
    revision = action.revisions.select_related("tool_version", "policy_version").get(number=action.revision)
    try:
        return _ready(action, revision)
    except Void as void:
        why = str(void)
    except (DomainError, ValueError, KeyError, TypeError) as error:  # stored text that cannot be read is no permission
        logger.exception("an action could not be examined", extra={"action": str(action.id)})
        why = f"What was stored cannot be examined: {type(error).__name__}."
    rejudge(action, actor=GATEKEEPER, why=why)
    return None


def _ready(action: Action, revision: Revision) -> Ready:
    tool, version = action.tool, revision.tool_version
    if tool is None or version is None:
        raise Void("The tool is not in the catalogue.")
    if tool.version_id != version.id or not tool.enabled or tool.forbidden or tool.recommend_only:
        raise Void(f"{tool.name} was changed after this was decided.")
    policy = current_policy(action.organization_id)
    if policy.id != revision.policy_version_id:
        raise Void(f"The policy was changed after this was decided: version {policy.number} is in force.")
    arguments, request = binding.parsed(revision.arguments), binding.parsed(revision.request)
    digest = binding.revision_digest(
        organization=action.organization_id,
        run=action.run,
        step=action.step,
        action=action.id,
        number=revision.number,
        tool=tool.name,
        tool_version=version.hash,
        arguments_digest=binding.arguments_digest(arguments),
        request_digest=binding.request_digest(request),
    )
    if digest != revision.digest or digest != action.digest:
        raise Void("The stored bytes are not those that were decided on.")
    ruling = rule(Facts.from_json(binding.parsed(revision.facts)))
    deciders: list[uuid.UUID] = []
    if ruling.verdict is Verdict.REVIEW:
        votes = Decision.objects.filter(revision=revision, verb=Decision.Verb.APPROVE).values_list("decider", flat=True)
        deciders = sorted({d for d in votes if d not in action.principals and holds(d, tool.id, "review_tool")})
        if len(deciders) < max(1, ruling.quorum):
            raise Void("Somebody who approved this may no longer decide on it.")
    elif ruling.verdict is Verdict.DENY:
        raise Void("The policy denies this.")
    with connection.cursor() as cursor:
        cursor.execute(EPOCH, [list(action.scopes)])
        row = cursor.fetchone()
    at = int(now().timestamp())
    claims = PermitClaims(
        permit=uuid7(),
        organization=action.organization_id,
        run=action.run,
        step=action.step,
        action=action.id,
        revision=revision.id,
        digest=digest,
        tool=tool.name,
        tool_version=version.id,
        tool_hash=version.hash,
        arguments=revision.arguments_digest,
        request=revision.request_digest,
        policy=policy.id,
        maturity=action.maturity,
        deciders=tuple(deciders),
        epoch=row[0] if row else 0,
        not_before=at,
        expires=at + settings.LAM_PERMIT_SECONDS,
        key=binding.idempotency_key(action.run, action.step),
    )
    return Ready(action, revision, claims)


def issue(ready: list[Ready], tokens: list[str], *, kid: str) -> int:
    """Write down signed permits and their events. An action that was permitted meanwhile keeps its first permit."""
    rows = [
        Permit(
            id=r.claims.permit,
            organization_id=r.action.organization_id,
            action=r.action,
            revision=r.revision,
            run=r.action.run,
            tool_version_id=r.claims.tool_version,
            policy_version_id=r.claims.policy,
            deciders=list(r.claims.deciders),
            principals=r.action.principals,
            epoch=r.claims.epoch,
            not_before=_at(r.claims.not_before),
            expires_at=_at(r.claims.expires),
            kid=kid,
            token=token,
        )
        for r, token in zip(ready, tokens, strict=True)
    ]
    with transaction.atomic():
        Permit.objects.bulk_create(rows, ignore_conflicts=True)
        written = set(Permit.objects.filter(id__in=[row.id for row in rows]).values_list("id", flat=True))
        record(
            *(
                Entry(
                    organization=r.action.organization_id,
                    actor=GATEKEEPER,
                    verb="permit_signed",
                    subject_kind="action",
                    subject=r.action.id,
                    run=r.action.run,
                    detail={
                        "permit": str(r.claims.permit),
                        "kid": kid,
                        "digest": r.claims.digest,
                        "expires": r.claims.expires,
                    },
                )
                for r in ready
                if r.claims.permit in written
            )
        )
    return len(written)


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)
