"""together: one person's word on several calls that are alike, each decided by itself as if it had been the only one.

What may be decided is frozen when the table is shown: a signed list of each action and the digest of what stood in its
row, for this person alone. A row that is ticked has to be one of these. Each is then decided by the ordinary verb in a
transaction of its own, with every check that the verb makes; one row that is refused keeps no other from being decided.
"""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.core import signing
from django.db import OperationalError
from django.db.models import Max

from accounts.actors import person
from accounts.models import User
from approvals.exceptions import NoTableAnyMore, NothingTicked, NotInTheTable, ReasonMissing, Unlike
from approvals.models import Action, Decision
from approvals.services.approve import approve
from approvals.services.likeness import MOST, likeness
from approvals.services.reject import reject
from approvals.states import ActionStatus
from tools.contract import Contract
from traces.exceptions import DomainError
from traces.ids import first_of
from traces.services import Entry, refused

GOOD_FOR: Final = timedelta(hours=1)
"""How long a table can be decided on after it was made."""
OUTCOMES: Final = {
    "already_decided": "lost",
    "args_mismatch": "changed",
    "unlike": "changed",
    "expired": "expired",
    "not_permitted": "not_allowed",
    "not_found": "not_allowed",
    "taken": "lost",
    "halted": "stopped",
}
"""What a refusal is called in its row; any other is ``refused``."""
Rows = Sequence[tuple[uuid.UUID, str]]


@dataclass(frozen=True)
class Result:
    """What became of one row: ``approved``, ``rejected``, one of ``OUTCOMES``, ``refused`` or ``unknown``."""

    action: uuid.UUID
    outcome: str
    words: str = ""
    """Why it was not decided; empty where it was."""

    @property
    def decided(self) -> bool:
        """Whether this person's word is recorded."""
        return self.outcome in {"approved", "rejected"}


@dataclass(frozen=True, slots=True)
class Frozen:
    """A table as its token says it: what its rows have in common, the digest that each showed, and since when."""

    key: str
    rows: dict[uuid.UUID, str]
    at: float
    """Seconds since 1970."""

    def seconds(self, reader: User) -> float:
        """For how long its reader has had the table before them since they last decided anything: whoever decides on
        one row after the other has not read each of them since the table came. One query."""
        shown = datetime.fromtimestamp(self.at, tz=UTC)
        lately = Decision.objects.filter(decider=reader, id__gte=first_of(shown))
        since: datetime = lately.aggregate(last=Max("created"))["last"] or shown
        return max(0.0, time.time() - max(since, shown).timestamp())


def frozen(*, reader: User, organization: uuid.UUID, key: str, rows: Rows, before: str = "") -> str:
    """The token over exactly what a table shows to one person, and since when: they can decide on these rows and on no
    others. ``before`` is the token of a table in whose place this one is shown: where all of it stood there already,
    the person has had it before them since then.
    """
    said = {
        "at": _since(before, reader=reader, organization=organization, key=key, rows=rows),
        "reader": str(reader.pk),
        "organization": str(organization),
        "key": key,
        "rows": [[str(a), d] for a, d in rows],
    }
    return signing.dumps(said, salt=__name__, compress=True)


def _since(before: str, *, reader: User, organization: uuid.UUID, key: str, rows: Rows) -> float:
    try:
        old = thawed(before, reader=reader, organization=organization)
    except (NoTableAnyMore, NotInTheTable):
        return time.time()
    stood = old.key == key and all(old.rows.get(action) == digest for action, digest in rows)
    return old.at if stood else time.time()


def thawed(token: str, *, reader: User, organization: uuid.UUID) -> Frozen:
    """What stood in a table, by its token.

    Raises NoTableAnyMore for a table that is too old, NotInTheTable for one that was not made for this person."""
    try:
        said = signing.loads(token, salt=__name__, max_age=GOOD_FOR)
        at = float(said["at"])
    except signing.SignatureExpired as old:
        raise NoTableAnyMore from old
    except signing.BadSignature as forged:
        raise NotInTheTable from forged
    except KeyError as older:  # made by a version that did not say since when
        raise NoTableAnyMore from older
    if (said["reader"], said["organization"]) != (str(reader.pk), str(organization)):
        raise NotInTheTable
    return Frozen(said["key"], {uuid.UUID(action): digest for action, digest in said["rows"]}, at)


def decide_together(
    *,
    actor: User,
    organization: uuid.UUID,
    head: uuid.UUID,
    table: str,
    ticked: Mapping[uuid.UUID, str],
    decision: str,
    reason: str = "",
    code: str = "",
    signed_in_at: datetime | None = None,
) -> list[Result]:
    """A person's yes or no to each of the ticked rows of a table, in the order of the table.

    ``head`` is the action whose table it is, ``ticked`` is by action the digest that the form names, ``decision`` is
    ``approve`` or ``reject``. Nothing at all is decided if any of them was not in the table: a form that says more than
    was shown is refused as a whole, and that is remembered.

    Raises NothingTicked, NotInTheTable, NoTableAnyMore, ReasonMissing; what is wrong with one row is its result.
    """
    try:
        shown = thawed(table, reader=actor, organization=organization)
        if len(ticked) > MOST or any(shown.rows.get(action) != digest for action, digest in ticked.items()):
            raise NotInTheTable
    except NotInTheTable as error:
        attempt = {"attempt": f"{decision} together", "code": error.code, "among": len(ticked)}
        refused(_refusal(organization, actor, head, error.message, attempt))
        raise
    if not ticked:
        raise NothingTicked
    if decision == "reject" and not reason.strip():
        raise ReasonMissing(errors={"reason": ReasonMissing().message})
    said: dict[str, Any] = {
        "actor": actor,
        "organization": organization,
        "among": len(ticked),
        "table": shown.seconds(actor),  # once for all of them: that is how they are known to have been one press
        "reason": reason.strip(),
    }
    said |= {"code": code} if decision == "reject" else {"signed_in_at": signed_in_at}
    return [_one(pk, digest, shown.key, decision, said) for pk, digest in shown.rows.items() if pk in ticked]


def _refusal(organization: uuid.UUID, actor: User, head: uuid.UUID, reason: str, detail: Mapping[str, Any]) -> Entry:
    return Entry(
        organization=organization,
        actor=person(actor),
        verb="refused",
        subject_kind="action",
        subject=head,
        reason=reason,
        detail=dict(detail),
    )


def _one(action: uuid.UUID, digest: str, key: str, decision: str, said: Mapping[str, Any]) -> Result:
    verb = approve if decision == "approve" else reject
    try:
        _still_alike(said["organization"], action, key)
        verb(action_id=action, digest=digest, **said)
    except DomainError as error:
        outcome = OUTCOMES.get(error.code, "refused")
        return Result(action, outcome, _told(action, said["actor"], error))
    except OperationalError:  # of one row: the next has a transaction of its own
        return Result(action, "unknown", "The database did not answer, so whether it was decided is not known. Look.")
    return Result(action, "approved" if decision == "approve" else "rejected")


def _still_alike(organization: uuid.UUID, pk: uuid.UUID, key: str) -> None:
    """Raise Unlike for what waits and is not like the others any more. Whatever has left is the verb's to say."""
    action = Action.objects.within(organization).filter(pk=pk).first()
    if action is None or action.status != ActionStatus.IN_REVIEW:
        return
    revision = action.revisions.select_related("tool_version").get(number=action.revision)
    version = revision.tool_version
    contract = Contract.from_json(version.contract) if version else None
    if likeness(action, revision, contract) != key:
        raise Unlike(state=action.status)


def _told(action: uuid.UUID, actor: User, error: DomainError) -> str:
    """Why a row was not decided; where somebody was first, who."""
    if OUTCOMES.get(error.code) != "lost" or error.code == "taken":
        return error.message
    last = (
        Decision.objects.filter(action=action).exclude(decider=actor).select_related("decider").order_by("-id").first()
    )
    said = {Decision.Verb.APPROVE: "approved", Decision.Verb.REJECT: "rejected"}
    if last is None or last.verb not in said:
        return error.message
    return f"{last.decider.username} {said[Decision.Verb(last.verb)]} it first."
