"""What waits beside a call and is so like it that both may be decided at once, as a table of what differs. Reads only.

What is the same for all is told once. Everything that differs has a column, so that no row holds anything that the
table does not show. A row that stands out says why, and is not ticked beforehand.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Final

from django.db.models import F

from accounts.models import Membership
from approvals.models import Action, Decision, Revision
from approvals.queries import URGENCY
from approvals.reading.card import findings
from approvals.reading.foreseen import Foreseen, foreseen
from approvals.reading.lanes import ORDERS
from approvals.reading.reasons import Call, reasons_of
from approvals.reading.shown import Argument, arguments
from approvals.services.likeness import (
    MOST,
    content_of,
    group_of,
    known_content,
    likeness,
    likeness_by,
    may_be_alike,
)
from tools.contract import Contract
from tools.models import ToolVersion
from traces.canonical import canonical
from traces.clock import now

LOOKED_AT: Final = 200
"""Calls of the tool among which those that are alike are looked for."""
FOR: Final = "For"
WOULD: Final = "What would change"


@dataclass(frozen=True)
class Cell:
    """One value of a row, as it is shown; ``name`` is what the record behind it is called."""

    text: str
    name: str = ""
    masked: bool = False


@dataclass(frozen=True)
class Line:
    """One call as a row of the table: what of it differs from the others, and why to look at it by itself."""

    number: int
    action: Action
    cells: list[tuple[str, Cell | None]]
    """The heading of each column, and the row's value there; None where it has none."""
    reasons: list[str]

    @property
    def ticked(self) -> bool:
        """Whether it is ticked before anybody touched it."""
        return not self.reasons


@dataclass(frozen=True)
class Table:
    """Calls that are alike, and everything that a person has to know to decide on several at once."""

    head: Action
    likeness: str
    contract: Contract
    policy: int
    columns: list[str]
    lines: list[Line]
    same: list[tuple[Argument, str]]
    """What all of them have in common, each with what the record behind it is called."""
    would: str
    """What would change, where that is the same for all."""
    found: list[dict[str, Any]]
    """What the checks found: the same for all."""
    votes: int
    more: bool
    """Whether more are alike than one table holds."""

    @property
    def ticked(self) -> int:
        """How many are ticked beforehand."""
        return sum(line.ticked for line in self.lines)

    @property
    def rows(self) -> list[tuple[uuid.UUID, str]]:
        """What the table shows: the id of each action and the digest of what stands in its row."""
        return [(line.action.pk, line.action.digest) for line in self.lines]


def counted(actions: Iterable[Action], contracts: Mapping[uuid.UUID, Contract]) -> dict[uuid.UUID, int]:
    """How many of these are alike with each of them, itself included; those that are alone are left out.

    One query, two more for revisions that were not read lately, and none where not even the rows of any two have enough
    in common. ``contracts`` are those of the tools.
    """
    groups: dict[tuple[object, ...], list[Action]] = {}
    for action in actions:
        if may_be_alike(action, contracts.get(action.tool_id) if action.tool_id else None):
            groups.setdefault(group_of(action), []).append(action)
    near = {action.pk: action for group in groups.values() if len(group) > 1 for action in group}
    if not near:
        return {}
    current = Revision.objects.filter(action__in=list(near), number=F("action__revision"))
    content = {action: known_content(pk) for action, pk in current.values_list("action_id", "pk")}
    unread = {action: near[action] for action, known in content.items() if known is None}
    content |= {revision.action_id: content_of(revision) for revision, _ in (_current(unread) if unread else ())}
    by_likeness: dict[str, list[uuid.UUID]] = {}
    for pk, action in near.items():
        key = likeness_by(action, content.get(pk) or "")
        if key:
            by_likeness.setdefault(key, []).append(pk)
    return {pk: len(alike) for alike in by_likeness.values() if len(alike) > 1 for pk in alike}


def table(head: Action, reader: Membership, *, tools: list[uuid.UUID]) -> Table | None:
    """Everything on which this person may decide now and that is like ``head``, which comes first; at most ``MOST``.

    None where nothing is, or where ``head`` is decided alone. ``tools`` are those whose actions the person reviews.
    """
    found, key = _alike(head, reader, tools)
    if len(found) < 2:
        return None
    calls, more = found[:MOST], len(found) > MOST
    first = calls[0]
    contract = first.contract
    assert contract is not None  # what is like anything has one
    names = {call.action.pk: call.told.names if call.told else {} for call in calls}
    paths = list(dict.fromkeys(one.path for call in calls for one in call.shown))
    by_path = [{one.path: one for one in call.shown} for call in calls]
    differing = [path for path in paths if _differs(path, calls, by_path, names)]
    labels = _labels(differing, by_path)
    several = len({call.action.initiator_id for call in calls}) > 1
    would = [_would(call.told) for call in calls]
    told_apart = len(set(would)) > 1
    reasons = reasons_of(calls, contract, differing, labels)
    lines = []
    for place, call in enumerate(calls):
        cells = [(labels[path], _cell(by_path[place].get(path), names[call.action.pk])) for path in differing]
        if told_apart:
            cells.append((WOULD, Cell(would[place]) if would[place] else None))
        if several:
            cells.append((FOR, Cell(call.action.initiator.username)))
        lines.append(Line(place + 1, call.action, cells, reasons[place]))
    return Table(
        head=head,
        likeness=key,
        contract=contract,
        policy=first.revision.policy_version.number,
        columns=[heading for heading, _ in lines[0].cells],
        lines=lines,
        same=[(one, names[first.action.pk].get(one.path, "")) for one in first.shown if one.path not in differing],
        would="" if told_apart else would[0],
        found=[one for one in findings(first.revision) if one.get("verdict") == "review" or one.get("warning")],
        votes=Decision.objects.filter(revision=first.revision, verb=Decision.Verb.APPROVE).count(),
        more=more,
    )


def _alike(head: Action, reader: Membership, tools: list[uuid.UUID]) -> tuple[list[Call], str]:
    """The calls that are like ``head``, itself first, and what they have in common. Five queries."""
    if head.tool_id is None or head.tool_id not in tools or reader.user_id in head.principals:
        return [], ""
    at = now()
    near = (
        Action.objects.within(head.organization_id)
        .reviewable_by(reader.user_id, [head.tool_id])
        .waiting()
        .filter(agent=head.agent_id, risk=head.risk, expires_at__gt=at)
        .alias(urgency=URGENCY)
        .order_by(*ORDERS["later"])
        .select_related("initiator", "agent", "assignee", "tool")[:LOOKED_AT]
    )
    group = group_of(head)
    by_id = {
        row.pk: row for row in chain([head], near) if group_of(row) == group and not _out_of_reach(row, reader, at)
    }
    said = Decision.objects.filter(action__in=list(by_id), decider=reader.user_id)
    voted = set(said.values_list("revision_id", flat=True))
    found: dict[uuid.UUID, tuple[str, Revision, Contract | None]] = {}
    for revision, contract in _current(by_id):
        common = likeness(by_id[revision.action_id], revision, contract) if revision.pk not in voted else ""
        found[revision.action_id] = (common, revision, contract)
    key = found[head.pk][0] if head.pk in found else ""
    order = [pk for pk in by_id if pk in found and found[pk][0] == key] if key else []
    return [_call(by_id[pk], *found[pk][1:]) for pk in order[: MOST + 1]], key


def _out_of_reach(action: Action, reader: Membership, at: datetime) -> bool:
    """Whether its time is over, or somebody else looks at it now."""
    other = action.assignee_id is not None and action.assignee_id != reader.user_id
    taken = other and action.assigned_until is not None and action.assigned_until > at
    return taken or action.expires_at <= at


def _current(actions: Mapping[uuid.UUID, Action]) -> Iterator[tuple[Revision, Contract | None]]:
    """The current revision of each, with its tool's contract. Two queries, and each contract is read once."""
    found = list(
        Revision.objects.filter(action__in=list(actions), number=F("action__revision")).defer("request", "considered")
    )
    versions = ToolVersion.objects.in_bulk({one.tool_version_id for one in found if one.tool_version_id})
    read = {pk: Contract.from_json(version.contract) for pk, version in versions.items()}
    for one in found:
        if one.tool_version_id:
            one.tool_version = versions[one.tool_version_id]
        yield one, read.get(one.tool_version_id) if one.tool_version_id else None


def _call(action: Action, revision: Revision, contract: Contract | None) -> Call:
    values = json.loads(revision.arguments)
    return Call(action, revision, contract, values, arguments(values, contract), foreseen(revision, dated=False))


def _differs(
    path: str, calls: list[Call], rows: list[dict[str, Argument]], names: Mapping[uuid.UUID, Mapping[str, str]]
) -> bool:
    """Whether the calls are not all the same at a path: the value, whether it is there at all, the record's name."""
    seen = set()
    for call, row in zip(calls, rows, strict=True):
        one = row.get(path)
        kept = canonical(call.values.get(path.split(".", 1)[0].split("[", 1)[0])) if one and one.masked else b""
        seen.add((one and (one.kind, one.text), kept, names[call.action.pk].get(path, "")))
    return len(seen) > 1


def _labels(paths: list[str], rows: list[dict[str, Argument]]) -> dict[str, str]:
    """What each column is called; the path itself where two would be called alike."""
    found = {path: next(row[path].label for row in rows if path in row) for path in paths}
    twice = [label for label in found.values() if list(found.values()).count(label) > 1 or label in {FOR, WOULD}]
    return {path: path if label in twice else label for path, label in found.items()}


def _cell(one: Argument | None, names: Mapping[str, str]) -> Cell | None:
    return Cell(one.text, names.get(one.path, ""), one.masked) if one else None


def _would(told: Foreseen | None) -> str:
    if told is None:
        return ""
    rows = [f"{row['label']}: {row['before']} → {row['after']}" for row in told.changes]
    more = [f"{told.more} more not listed"] if told.more else []
    return "\n".join([*([told.text] if told.text else []), *rows, *more])
