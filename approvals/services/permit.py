"""permit: what the gatekeeper looks at before it signs, and how a signed permit is written down.

The gatekeeper trusts nobody: it recomputes the digests from the stored bytes, replays the ruling on the stored
facts and rules again on the facts of this moment, since whoever stored the old ones may have made them up; the
stricter ruling counts. It counts the votes and looks up the voters' rights. The signature itself is made by
``approvals.permits``, which only the gatekeeper's task imports.
"""

import logging
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import Exists, Max, OuterRef

from approvals import binding
from approvals.claims import Stops, stops_over
from approvals.facts import Judged, document_of
from approvals.models import Action, Permit, PreviewRow, Revision
from approvals.policy import DryRunState, Facts, Ruling, Verdict, replay
from approvals.services.rejudge import anew, rejudge
from approvals.services.votes import standing_votes
from approvals.states import ActionStatus
from tools.permits import PermitClaims
from traces.clock import now
from traces.exceptions import DomainError
from traces.ids import NIL, uuid7
from traces.models import Event
from traces.services import Actor, Entry, record

logger = logging.getLogger(__name__)
GATEKEEPER = Actor.system("gatekeeper")


TELLING = timedelta(seconds=1)
"""Between the moment that a window is counted from and the event that tells of it lies part of one transaction."""
UNREADABLE = (DomainError, ObjectDoesNotExist, ValueError, KeyError, TypeError)
"""What reading stored text may raise. What cannot be read is no permission."""


class Void(Exception):
    """The action may not have a permit as it stands; the message says why and is shown to reviewers."""


class Held(Exception):
    """A stop is engaged over the action, or people may still object: nothing is signed meanwhile, nothing is void."""


@dataclass(frozen=True)
class Ready:
    """An action that may be permitted, with the claims to be signed."""

    action: Action
    revision: Revision
    claims: PermitClaims


def unsigned(limit: int, *, after: uuid.UUID = NIL) -> list[Action]:
    """Permitted actions that have no live permit yet, oldest first, of those behind ``after``."""
    live = Permit.objects.filter(action=OuterRef("pk"), revoked_at=None)
    return list(
        Action.objects.filter(~Exists(live), status=ActionStatus.PERMITTED, id__gt=after)
        .select_related("tool")
        .order_by("id")[:limit]
    )


def examine(action: Action) -> Ready | None:
    """The claims to sign for an action, or None after sending it back to review because they would not be true."""
    stops = stops_over(action.scopes)  # first of all: a permit is void by any stop that is newer than this look
    if stops.engaged:
        return None  # held by a stop: the sweep halts it, and nothing is signed meanwhile
    try:
        revision = action.revisions.select_related("tool_version", "policy_version").get(number=action.revision)
        return _ready(action, revision, stops)
    except Held:
        return None
    except Void as void:
        why = str(void)
    except UNREADABLE as error:
        logger.exception("an action could not be examined", extra={"action": str(action.id)})
        why = f"What was stored cannot be examined: {type(error).__name__}."
    try:
        rejudge(action, actor=GATEKEEPER, why=why)
    except UNREADABLE:  # it stays unsigned, and must keep no other from its permit
        logger.exception("an action could not be sent back", extra={"action": str(action.id)})
    return None


def _ready(action: Action, revision: Revision, stops: Stops) -> Ready:
    tool, version = action.tool, revision.tool_version
    if tool is None or version is None:
        raise Void("The tool is not in the catalogue.")
    if tool.version_id != version.id or not tool.enabled or tool.forbidden or tool.recommend_only:
        raise Void(f"{tool.name} was changed after this was decided.")
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
    fresh = anew(action, revision)
    policy = fresh.policy
    if policy.id != revision.policy_version_id:
        raise Void(f"The policy was changed after this was decided: version {policy.number} is in force.")
    if fresh.facts.halts:
        raise Held
    _still_the_same(action, revision, fresh)
    stored = replay(binding.parsed(revision.facts), document_of(policy))
    deciders = _entitled(action, revision, stored, fresh.ruling)
    at = int(stops.at.timestamp())
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
        epoch=stops.epoch,
        not_before=at,
        expires=at + settings.LAM_PERMIT_SECONDS,
        key=binding.idempotency_key(action.run, action.step),
    )
    return Ready(action, revision, claims)


def _still_the_same(action: Action, revision: Revision, fresh: Judged) -> None:
    """Raise Void where what was stored is not what comes of the same call now: bytes, sentence, risk or scopes."""
    if (fresh.arguments_digest, fresh.request_digest) != (revision.arguments_digest, revision.request_digest):
        raise Void("The same arguments make another request now.")
    if fresh.tool is None or fresh.tool.pk != action.tool_id or set(fresh.scopes) != set(action.scopes):
        raise Void("The tool or what could stop this is not what was stored.")
    if (fresh.summary, str(fresh.ruling.risk)) != (action.summary, action.risk):
        raise Void("The sentence or the risk that was shown is not that of this call.")
    told = fresh.facts.dry_run
    if told.state is DryRunState.AWAITED:
        raise Void("The tool has not said yet what this would do.")
    if told != Facts.from_json(binding.parsed(revision.facts)).dry_run:
        raise Void("What was shown beforehand is not what the tool said.")


def _entitled(action: Action, revision: Revision, stored: Ruling, fresh: Ruling) -> list[uuid.UUID]:
    """The people whose votes permit this; nobody where the policy lets it run. Raises Void where neither does.

    The stricter of two rulings counts, and rights and teams as they are now. Whatever was void once is decided by
    people, also where its ruling alone would let it run.
    """
    verdict = max(stored.verdict, fresh.verdict)
    if verdict is Verdict.DENY:
        raise Void("The policy denies this.")
    if verdict is Verdict.REVIEW or _people_decide(action, revision):
        needed = max(1, action.quorum, stored.quorum, fresh.quorum)
        able, missing = standing_votes(action, revision, quorum=needed, teams=(*stored.teams, *fresh.teams))
        if missing:
            raise Void(
                f"It needs {needed} approvals by people who may decide on it now, and has {len(able)}."
                f" Missing: {missing}."
            )
        return able
    if verdict is Verdict.VETO_WINDOW:
        window = timedelta(seconds=max(stored.veto_seconds, fresh.veto_seconds))
        if action.due_at is None or action.due_at > now():
            raise Void("The time to object was not given in full.")
        _given_in_full(action, window)
    return []


def _given_in_full(action: Action, window: timedelta) -> None:
    """Raise Held while the window is open that began when people were told of it; Void where nobody was told.

    The action's own row says what its writer wrote. The time of an event is the database's, and the newest one counts.
    """
    told = Event.objects.about(action.organization_id, action.id).filter(target=ActionStatus.SCHEDULED)
    began = told.aggregate(at=Max("at"))["at"]
    if began is None:
        raise Void("Nobody was told of the time to object.")
    if now() < began + window - TELLING:
        raise Held


def _people_decide(action: Action, revision: Revision) -> bool:
    """Whether this has been before people, who then have the word: any revision but the first that was really ruled on.

    That is number 1, or number 2 where the tool was asked about number 1 and answered before anybody was asked. An
    event tells of every way into review: the database lets no status change without one.
    """
    if revision.number == 1:
        return False
    foreseen = PreviewRow.objects.filter(action=action, revision=1, answered_at__isnull=False, drifted=False)
    if revision.number > 2 or revision.author_id is not None or not foreseen.exists():
        return True
    return Event.objects.about(action.organization_id, action.id).filter(target=ActionStatus.IN_REVIEW).exists()


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
