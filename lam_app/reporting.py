"""The report of a run as its own page: what was done and who said yes, what was not and why. From the rows alone."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Final

from approvals import binding, codes
from approvals.models import Action, Decision, Revision
from approvals.policy import Ruling, Verdict
from approvals.states import SETTLED
from lam_app.models import Delivery, Firing, Run
from lam_app.story import Shown, Story
from tools.models import Execution

HAPPENED: Final = frozenset({"done", "undone"})


@dataclass(frozen=True)
class Line:
    """One step of the report: what it was, what became of it, by whose yes, and why not where it was not done."""

    step: Shown
    at: dt.datetime | None
    by: tuple[str, ...]
    why: str

    @property
    def action(self) -> Action:
        """The step's action."""
        return self.step.action


@dataclass(frozen=True)
class Reported:
    """A run's report: three lists, none of which holds a step of another."""

    done: tuple[Line, ...]
    unknown: tuple[Line, ...]
    left: tuple[Line, ...]
    """What was not done, or is not done yet."""


@dataclass(frozen=True)
class Given:
    """How a run's goal was given: by a schedule, by a webhook, or, where both are None, by the person."""

    firing: Firing | None
    delivery: Delivery | None


def reported(story: Story) -> Reported:
    """The report of a run. Four queries at most."""
    actions = {action.pk: action for action in story.actions}
    ledger = {row.action: row for row in Execution.objects.filter(action__in=list(actions))}
    said: dict[uuid.UUID, list[Decision]] = {}
    verbs = (Decision.Verb.APPROVE, Decision.Verb.REJECT)
    decisions = Decision.objects.filter(action__in=list(actions), verb__in=verbs).select_related("decider")
    for decision in decisions.defer("decider__password").order_by("id"):
        said.setdefault(decision.action_id, []).append(decision)
    denied = _denied([action for action in story.actions if action.status == "denied"])
    lists: dict[str, list[Line]] = {"done": [], "unknown": [], "left": []}
    for step in story.steps:
        action, row = step.action, ledger.get(step.action.pk)
        yes = tuple(d.decider.username for d in said.get(action.pk, []) if d.verb == Decision.Verb.APPROVE)
        line = Line(step, row.finished_at if row else None, yes, _why(action, row, said.get(action.pk, []), denied))
        where = "done" if action.status in HAPPENED else "unknown" if action.status == "uncertain" else "left"
        lists[where].append(line)
    return Reported(*(tuple(found) for found in lists.values()))


def given(run: Run) -> Given:
    """What gave the goal, if it was not the person at a page. Two queries."""
    firing = Firing.objects.filter(run=run).select_related("schedule").first()
    return Given(firing, Delivery.objects.filter(run=run).select_related("hook").first())


def _why(action: Action, row: Execution | None, said: list[Decision], denied: dict[uuid.UUID, str]) -> str:
    if action.status == "rejected":
        no = next((d for d in reversed(said) if d.verb == Decision.Verb.REJECT), None)
        return " ".join(filter(None, (codes.words(no.code), no.reason))) if no else ""
    if action.status == "denied":
        return denied.get(action.pk, "")
    if action.status in {"failed", "uncertain"} and row is not None:
        return row.error_text or ""
    return "" if action.status in SETTLED else "It still waits."


def _denied(actions: list[Action]) -> dict[uuid.UUID, str]:
    """What the policy said to these. No query where there are none."""
    if not actions:
        return {}
    numbers = {action.pk: action.revision for action in actions}
    found = {}
    for revision in Revision.objects.filter(action__in=actions):
        if revision.number == numbers[revision.action_id]:
            findings = Ruling.from_json(binding.parsed(revision.ruling)).findings
            found[revision.action_id] = " ".join(one.text for one in findings if one.verdict is Verdict.DENY)
    return found
