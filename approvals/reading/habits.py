"""Reviewers' decisions as the auditor sees them, and the canaries that came before them. Reads only."""

import json
import uuid
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from approvals.habits import MOST, Habit, Judgement, habit
from approvals.models import CanaryTemplate
from tools.models import AgentTool

DAYS: Final = 90
"""How far back is looked."""

_DECISIONS = """
WITH newest AS (
    SELECT d.*, row_number() OVER (PARTITION BY d.decider_id ORDER BY d.id DESC) AS place
    FROM approvals_decision d
    WHERE d.organization_id = %(organization)s AND d.verb IN ('approve', 'reject')
      AND d.id >= traces_first_id(clock_timestamp() - make_interval(days => %(days)s))
)
SELECT n.decider_id, u.username, n.id, n.verb = 'approve', n.seconds, length(r.arguments) + length(a.summary),
       n.folds, n.opened, a.canary, n.among
FROM newest n
JOIN accounts_user u ON u.id = n.decider_id
JOIN approvals_action a ON a.id = n.action_id
JOIN approvals_revision r ON r.id = n.revision_id
WHERE n.place <= %(most)s
"""

# Found by a question or a change: no decision, and a canary that somebody noticed all the same.
_NOTICED = """
SELECT e.id, x.detail
FROM traces_event e JOIN traces_eventdetail x ON x.event = e.id
WHERE e.organization = %(organization)s AND e.verb = 'was_a_canary'
  AND e.id >= traces_first_id(clock_timestamp() - make_interval(days => %(days)s))
"""

_CANARIES = """
SELECT c.template_id, count(*), count(*) FILTER (WHERE a.status IN ('proposed', 'in_review')),
       count(*) FILTER (WHERE EXISTS (
           SELECT 1 FROM approvals_decision d WHERE d.action_id = a.id AND d.verb = 'approve')),
       count(*) FILTER (WHERE a.status = 'expired')
FROM approvals_canary c JOIN approvals_action a ON a.id = c.action_id
WHERE c.organization_id = %(organization)s GROUP BY c.template_id
"""


@dataclass(frozen=True)
class Reviewer:
    """One person who decided, and what that looks like."""

    id: uuid.UUID
    name: str
    habit: Habit

    @property
    def shown(self) -> list[tuple[str, str]]:
        """The patterns, each with what it means in a sentence."""
        return [(name, PATTERNS[name]) for name in self.habit.patterns]


PATTERNS: Final = {
    "hasty": "More than half of the last approvals came faster than anybody reads",
    "unopened": "No folded value was opened before any of the last approvals that had one",
    "canaries": "More than half of the canaries were approved",
    "never_no": "Canaries were approved among decisions that were fast, or never a no",
}


@dataclass(frozen=True)
class Planted:
    """One canary that an auditor defined, and how those that were planted of it ended."""

    template: CanaryTemplate
    number: int
    waiting: int
    approved: int
    expired: int
    goalless: bool = False
    """Whether none of it is planted: the built-in agent alone uses its tool, and it names no goal."""

    @property
    def found(self) -> int:
        """How many a reviewer noticed."""
        return self.number - self.waiting - self.approved - self.expired

    @property
    def arguments(self) -> str:
        """What it asks for, as a person reads it."""
        return json.dumps(json.loads(self.template.arguments), indent=2, ensure_ascii=False)


def reviewers(organization: uuid.UUID) -> list[Reviewer]:
    """Everybody who decided lately: who stands out first, then by name. Two queries."""
    asked: dict[str, Any] = {"organization": organization, "days": DAYS, "most": MOST}
    with connection.cursor() as cursor:
        cursor.execute(_DECISIONS, asked)
        rows = cursor.fetchall()
        cursor.execute(_NOTICED, asked)
        noticed = cursor.fetchall()
    names: dict[uuid.UUID, str] = {}
    said: dict[uuid.UUID, list[tuple[uuid.UUID, Judgement]]] = {}
    for decider, name, pk, *rest in rows:
        names[decider] = name
        said.setdefault(decider, []).append((pk, Judgement(*rest)))
    for pk, detail in noticed:
        told: dict[str, Any] = json.loads(detail)
        by = uuid.UUID(told["by"])
        if told["how"] in {"ask", "edit"} and by in said:
            said[by].append((pk, Judgement(False, None, 0, canary=True)))
    found = [
        Reviewer(decider, names[decider], habit(one for _, one in sorted(of, key=_place, reverse=True)))
        for decider, of in said.items()
    ]
    return sorted(found, key=lambda one: (not one.habit.flagged, one.name))


def planted(organization: uuid.UUID) -> list[Planted]:
    """The organization's canaries, those in use first, the newest first. Three queries."""
    with connection.cursor() as cursor:
        cursor.execute(_CANARIES, {"organization": organization})
        counts = {template: figures for template, *figures in cursor.fetchall()}
    rows = CanaryTemplate.objects.filter(organization_id=organization).select_related("tool", "made_by", "retired_by")
    ordered = sorted(rows.order_by("-id"), key=lambda one: one.retired_at is not None)
    outside = AgentTool.objects.filter(tool__organization_id=organization, agent__enabled=True, agent__builtin=False)
    apart = set(outside.values_list("tool_id", flat=True))
    shown = []
    for one in ordered:
        number, waiting, approved, expired = counts.get(one.pk, (0, 0, 0, 0))
        goalless = not one.goal and one.retired_at is None and one.tool_id not in apart
        shown.append(Planted(one, number, waiting, approved, expired, goalless))
    return shown


def _place(one: tuple[uuid.UUID, Judgement]) -> uuid.UUID:
    return one[0]
