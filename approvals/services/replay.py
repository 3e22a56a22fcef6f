"""replay: a policy that is being tried judges what was recorded, slice by slice. Done by the planners' processes.

A slice is one transaction over the trial's own row, so that two workers never count the same ruling, and one that dies
leaves what was found before. Between slices others have their turn, and whoever asked may call it off.
"""

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from approvals.facts import document_of
from approvals.models import Decision, PolicyVersion, Trial
from approvals.policy import Policy, PolicyRefused, read_policy
from approvals.policy.replaying import Again, Recorded, Windows, again
from approvals.states import ActionStatus
from traces.clock import now
from traces.doorbell import ring

BATCH: Final = 500
SLICE_SECONDS: Final = 1.0
"""After how long a worker lets others have their turn."""
SHOWN: Final = 40
"""How many changed rulings of each kind are kept to be shown; all of them are counted."""
GAVE_BACK: Final = frozenset({
    ActionStatus.DENIED, ActionStatus.REJECTED, ActionStatus.EXPIRED, ActionStatus.WITHDRAWN, ActionStatus.HALTED,
})  # fmt: skip

_ROWS = """
SELECT r.id, r.facts, r.policy_version_id, r.created, a.id, a.status, a.verdict, a.quorum, a.tool_name, a.summary
FROM approvals_revision r JOIN approvals_action a ON a.id = r.action_id AND a.revision = r.number AND NOT a.canary
WHERE r.organization_id = %s AND r.id > %s AND r.id <= %s ORDER BY r.id LIMIT %s
"""


@dataclass
class Found:
    """What a replay has found so far. Every mapping counts rulings."""

    read: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)
    awaited: int = 0
    teams_unknown: int = 0
    simulated: Counter[str] = field(default_factory=Counter)
    tools: Counter[str] = field(default_factory=Counter)
    unread_tools: Counter[str] = field(default_factory=Counter)
    moves: Counter[str] = field(default_factory=Counter)
    """`review>allow` and how often; what stays the same is there too."""
    people: dict[str, Counter[str]] = field(default_factory=dict)
    """The same for what changes, each with what people had decided."""
    changes: list[dict[str, Any]] = field(default_factory=list)
    windows: Windows = field(default_factory=Windows)

    def to_json(self, *, over: bool) -> dict[str, Any]:
        """The findings as the trial's row keeps them; what only the next slice needs goes when it is over."""
        return {
            "read": self.read,
            "unreadable": dict(self.unreadable),
            "awaited": self.awaited,
            "teams_unknown": self.teams_unknown,
            "simulated": dict(self.simulated),
            "tools": dict(self.tools),
            "unread_tools": dict(self.unread_tools),
            "moves": dict(self.moves),
            "people": {move: dict(words) for move, words in self.people.items()},
            "changes": self.changes,
            "windows": {} if over else self.windows.to_json(),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Found":
        """What `to_json` wrote; nothing for an empty object."""
        if not value:
            return cls()
        return cls(
            read=value["read"],
            unreadable=Counter(value["unreadable"]),
            awaited=value["awaited"],
            teams_unknown=value["teams_unknown"],
            simulated=Counter(value["simulated"]),
            tools=Counter(value["tools"]),
            unread_tools=Counter(value["unread_tools"]),
            moves=Counter(value["moves"]),
            people={move: Counter(words) for move, words in value["people"].items()},
            changes=value["changes"],
            windows=Windows.from_json(value["windows"]),
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One recorded ruling as it is read."""

    revision: UUID
    facts: str
    policy: UUID
    at: datetime
    action: UUID
    status: str
    verdict: str
    quorum: int
    tool: str
    summary: str


def replay_some(seconds: float = SLICE_SECONDS) -> bool:
    """One slice of the oldest replay that nobody else is at. Returns whether there was one."""
    until = time.monotonic() + seconds
    with transaction.atomic():
        trial = Trial.objects.under_way().select_for_update(skip_locked=True).first()
        if trial is None:
            return False
        try:
            policy = read_policy(trial.settings)
        except PolicyRefused:  # written by another version of the product
            _finish(trial, Trial.State.FAILED)
            return True
        found = Found.from_json(trial.found)
        while True:
            rows = _rows(trial)
            _judge(rows, policy, found)
            trial.seen += len(rows)
            over = len(rows) < BATCH
            if rows:
                trial.reached = rows[-1].revision
            if over or time.monotonic() >= until:
                break
        trial.found = found.to_json(over=over)
        if over:
            _finish(trial, Trial.State.DONE)
        else:
            trial.state = Trial.State.RUNNING
            trial.save(update_fields=["state", "reached", "seen", "found"])
            ring("approvals.tasks.replay_policies")
    return True


def waits() -> bool:
    """Whether a replay is under way."""
    return Trial.objects.under_way().exists()


def _finish(trial: Trial, state: Trial.State) -> None:
    trial.state, trial.finished_at = state, now()
    trial.save(update_fields=["state", "reached", "seen", "found", "finished_at"])


def _rows(trial: Trial) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [trial.organization_id, trial.reached, trial.upto, BATCH])
        return [Row(*row) for row in cursor.fetchall()]


def _judge(rows: list[Row], policy: Policy, found: Found) -> None:
    documents = _documents({row.policy for row in rows})
    changed: list[tuple[Row, str, Again]] = []
    for row in rows:
        recorded = None
        try:
            recorded = Recorded(
                facts=json.loads(row.facts),
                judged_by=documents[row.policy],
                at=row.at.timestamp(),
                stayed=row.status not in GAVE_BACK,
            )
            now_is = again(recorded, policy, found.windows)
        except (KeyError, TypeError, ValueError, ArithmeticError):
            found.unreadable[_format(recorded)] += 1
            found.unread_tools[row.tool] += 1
            continue
        found.read += 1
        found.tools[row.tool] += 1
        found.awaited += now_is.awaited
        found.teams_unknown += now_is.teams_unknown
        found.simulated.update(now_is.simulated)
        move = _move(row, now_is)
        found.moves[move] += 1
        if _changes(move):
            changed.append((row, move, now_is))
    _remember(changed, found)


def _format(recorded: Recorded | None) -> str:
    told = recorded.facts.get("format") if recorded is not None and isinstance(recorded.facts, dict) else None
    return f"format {told}" if isinstance(told, int) else "no known format"


def _move(row: Row, now_is: Again) -> str:
    """`review>allow`; `review>review+` where more people are asked for, `review>review-` where fewer are."""
    ruling = now_is.ruling
    move = f"{row.verdict}>{ruling.verdict.value}"
    if move == "review>review" and ruling.quorum != row.quorum:
        move += "+" if ruling.quorum > row.quorum else "-"
    return move


def _changes(move: str) -> bool:
    before, _, after = move.partition(">")
    return before != after


def _remember(changed: list[tuple[Row, str, Again]], found: Found) -> None:
    """Count how people had decided what would be otherwise, and keep the first of each kind to be looked at."""
    votes = _votes([row.revision for row, _, _ in changed])
    for row, move, now_is in changed:
        word = _decided(row, votes.get(row.revision, set()))
        found.people.setdefault(move, Counter())[word] += 1
        if found.people[move].total() > SHOWN:
            continue
        deciding = [one for one in now_is.ruling.findings if one.verdict is now_is.ruling.verdict]
        named = next((one for one in deciding if one.rule), deciding[0] if deciding else None)
        found.changes.append({
            "action": str(row.action),
            "summary": row.summary[:200],
            "tool": row.tool,
            "move": move,
            "quorum": [row.quorum if row.verdict == "review" else 0, now_is.ruling.quorum],
            "because": named.text[:300] if named else "",
            "rule": named.rule if named else "",
            "decided": word,
            "at": row.at.isoformat(),
        })  # fmt: skip


def _decided(row: Row, verbs: set[str]) -> str:
    """What people had made of it: approved, rejected, expired, waiting, denied, withdrawn, or nobody was asked."""
    if Decision.Verb.REJECT in verbs or row.status == ActionStatus.REJECTED:
        return "rejected"
    if Decision.Verb.APPROVE in verbs:
        return "approved"
    left = {ActionStatus.EXPIRED, ActionStatus.IN_REVIEW, ActionStatus.DENIED, ActionStatus.WITHDRAWN}
    return str(row.status) if row.status in left else "nobody"


def _votes(revisions: Iterable[UUID]) -> dict[UUID, set[str]]:
    found: dict[UUID, set[str]] = {}
    for revision, verb in Decision.objects.filter(revision__in=list(revisions)).values_list("revision", "verb"):
        found.setdefault(revision, set()).add(verb)
    return found


def _documents(versions: set[UUID]) -> dict[UUID, Policy | None]:
    found: dict[UUID, Policy | None] = {}
    for version in PolicyVersion.objects.filter(pk__in=versions).defer("settings"):
        try:
            found[version.pk] = document_of(version)
        except PolicyRefused:
            found[version.pk] = None
    return found
