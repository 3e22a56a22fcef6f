"""What stands around what is judged: where values come from, what is usual, who may decide, the run, what was said.

The card says what would run; this says what a person should hold it against. A page reads it once, when a card is
opened. Nothing of it is asked for again while the card is looked at. Reads only, bounded, the same number of queries
however long the past is.
"""

import json
import uuid
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet

from accounts.models import Membership
from accounts.roles import Role
from approvals.models import Action, Remark
from approvals.reading.card import Card
from approvals.reading.deciders import Deciders, deciders
from approvals.reading.effect import Changing, Figure, changing, figures
from approvals.reading.foreseen import NO_RECORD
from approvals.reading.inverses import Proof, last_proven
from approvals.reading.origins import UNTOLD, Sourced, sourced
from approvals.reading.past import Before, Usual, alike, last_of, usual
from approvals.reading.shown import PLACE, Argument, targets
from approvals.services.votes import authors
from tools.matrix import Holder
from tools.models import Tool

MOST_STEPS: Final = 60
MOST_REMARKS: Final = 100
READS_RUNS: Final = (Role.REVIEWER, Role.ADMINISTRATOR, Role.AUDITOR, Role.DEVELOPER)
READS_POLICY: Final = (Role.REVIEWER, Role.ADMINISTRATOR, Role.AUDITOR)
READS_TRACES: Final = (Role.AUDITOR,)
AHEAD: Final = frozenset({"proposed", "in_review"})
"""Statuses in which people may still have to decide."""


@dataclass(frozen=True)
class Line:
    """One argument on the card, with everything that a reader should know of it."""

    argument: Argument
    origin: Sourced
    name: str
    """Of the record that it identifies, read fresh; empty where none was asked for."""
    usual: Usual
    goal: str = ""
    """That the goal does not name what the call is about; empty where it does, or nobody said."""

    @property
    def nameless(self) -> bool:
        """Whether the tool found no record behind this identifier."""
        return self.name == NO_RECORD

    @property
    def remarks(self) -> list[str]:
        """Everything to look at twice, in sentences."""
        found = [*self.argument.remarks, self.goal, self.usual.remark, f"{NO_RECORD}." if self.nameless else ""]
        return [one for one in found if one]

    @property
    def flagged(self) -> bool:
        """Whether to look at it twice."""
        return bool(self.remarks) or self.origin.doubtful


@dataclass(frozen=True)
class Choice:
    """A tool that the agent left aside, and whether a person may choose it now."""

    tool: str
    why_not: str
    offered: bool


@dataclass(frozen=True)
class Around:
    """What a page shows beside the card itself."""

    lines: list[Line]
    figures: list[Figure]
    changes: list[Changing]
    deciders: Deciders
    past: list[Before]
    same: bool
    """Whether the past calls listed went to the same recipient or thing."""
    seen: int
    """How many past calls were looked at."""
    steps: list[Action]
    remarks: list[Remark]
    choices: list[Choice]
    may_trace: bool
    may_prove: bool
    """Whether the reader may ask for an archive of evidence."""
    reads_policy: bool
    """Whether the pages of the policy are open to the reader."""

    @property
    def noticed(self) -> list[dict[str, Any]]:
        """What the desk itself noticed on the arguments, as findings beside those of the policy."""
        found = []
        for line in self.lines:
            label = line.argument.label
            if line.usual.remark:
                found.append({"name": "Usual range", "text": f"{label}: {line.usual.remark}"})
            if line.goal:
                found.append({"name": "Goal", "text": f"{label}: {line.goal}"})
            if line.nameless:
                found.append({"name": "Record", "text": f"{label}: {NO_RECORD}."})
        return found

    @property
    def told_sources(self) -> bool:
        """Whether anybody said where the arguments come from."""
        return any(line.origin is not UNTOLD for line in self.lines)


def around(card: Card, reader: Membership, *, tools: list[uuid.UUID], reviewers: list[Holder]) -> Around:
    """Read it for somebody who may read the action. ``tools`` are those whose actions the reader reviews,
    ``reviewers`` all who review the action's tool.

    The past of a tool is shown to those who may read its other actions, the steps of the run to those who may read
    the run; whoever an action acts for sees the discussion and their own run.
    """
    action, contract = card.action, card.contract
    values = json.loads(card.revision.arguments)
    others = reader.has(Role.AUDITOR, Role.ADMINISTRATOR) or action.tool_id in tools
    past = last_of(action) if others else []
    listed, same = alike(past, values, contract)
    runs = reader.has(*READS_RUNS) or reader.user_id in action.principals
    return Around(
        lines=_lines(card, usual(past, values, contract)),
        figures=figures(card.revision, contract, card.arguments, card.told, _proof(card)),
        changes=changing(card.told.changes if card.told else ()),
        deciders=deciders(action, reviewers, without=authors(action, card.revision)),
        past=listed,
        same=same,
        seen=len(past),
        steps=list(Action.objects.within(action.organization_id).of_run(action.run)[:MOST_STEPS]) if runs else [],
        remarks=list(_remarks(action)[:MOST_REMARKS]),
        choices=_choices(card),
        may_trace=may_read_trace(reader, action),
        may_prove=reader.has(Role.AUDITOR) or (reader.user_id == action.initiator_id and not action.canary),
        reads_policy=reader.has(*READS_POLICY),
    )


def _remarks(action: Action) -> QuerySet[Remark]:
    """What was said about it, oldest first."""
    said = Remark.objects.filter(action=action).select_related("author").defer("author__password")
    return said.order_by("id")


def may_read_trace(reader: Membership, action: Action) -> bool:
    """Whether a person may read what the model was sent and said: auditors, and never whom it acts for. Who decides on
    requests as well reads it of none that waits: a canary has no such call.
    """
    if reader.has(Role.REVIEWER) and action.status in AHEAD:
        return False
    return reader.has(*READS_TRACES) and reader.user_id not in action.principals


def _lines(card: Card, compared: dict[str, Usual]) -> list[Line]:
    provenance = json.loads(card.revision.facts).get("provenance") or []
    names = card.told.names if card.told else {}
    about = targets(card.contract)
    found = []
    for one in card.arguments:
        path = PLACE.sub("", one.path)
        origin = sourced(one.path, provenance)
        # Only where sources were reported can anything be said of the goal.
        strange = path in about and origin.doubtful and not one.masked
        found.append(
            Line(
                argument=one,
                origin=origin,
                name=names.get(one.path, ""),
                usual=compared.get(path, Usual()),
                goal="The goal does not name this." if strange else "",
            )
        )
    return found


def _proof(card: Card) -> Proof | None:
    """When the tool was last taken back; asked only where a tool does that."""
    tool = card.action.tool_id
    if tool is None or card.contract is None or card.contract.inverse is None:
        return None
    return last_proven(card.action.organization_id, [tool]).get(tool)


def _choices(card: Card) -> list[Choice]:
    """What the agent left aside; a tool can be chosen if the organization has it and it is not switched off."""
    aside = card.revision.considered
    if not aside:
        return []
    offered = set(
        Tool.objects.filter(
            organization_id=card.action.organization_id,
            name__in=[one["tool"] for one in aside],
            enabled=True,
            forbidden=False,
        ).values_list("name", flat=True)
    )
    return [Choice(one["tool"], one["why_not"], one["tool"] in offered) for one in aside]
