"""What a reviewer is shown, made from the rows: the revision's exact bytes, its ruling, the votes. Reads only.

Nothing here comes from the agent's prose. Argument values are the canonical ones that were hashed; labels and units
come from the tool's contract; the order of what is shown is the order in which it should be read.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils import timezone

from accounts.models import User
from approvals.models import Action, Decision, Permit, Revision
from approvals.policy import Ruling
from approvals.reading.answered import Answered
from approvals.reading.differences import Changed, changed
from approvals.reading.folds import guarded
from approvals.reading.foreseen import Foreseen, foreseen
from approvals.reading.plainly import without_secrets
from approvals.reading.road import Stage, stages
from approvals.reading.shown import Argument, arguments
from approvals.services.window import review_seconds, running_out
from tools.contract import Contract
from tools.models import Execution
from tools.wording import ON_FAILURE
from traces.models import Event

_ORDER: Final = {"deny": 0, "review": 1, "veto_window": 2, "allow": 3}
CHECKS: Final = {
    "halted": "Stop",
    "known": "Catalogue",
    "rbac": "Rights",
    "scope": "Whose it is",
    "level": "Tier",
    "rate": "How often",
    "loop": "Repetition",
    "provenance": "Sources",
    "maturity": "How freely",
    "reversibility": "Undo",
    "approvers": "Who could decide",
}
"""What checks are called on pages, where their own name is a programmer's."""
LIVE: Final = frozenset({"proposed", "in_review", "scheduled", "permitted", "executing"})
"""Statuses after which something may still happen by itself: the page keeps asking while an action is in one."""


@dataclass(frozen=True)
class Card(Answered):
    """What is judged: everything the page of one action shows, beside what stands around it (``reading.around``)."""

    revision: Revision
    arguments: list[Argument]
    told: Foreseen | None
    request: str
    findings: list[dict[str, Any]]
    decisions: list[Decision]
    permit: Permit | None
    stages: list[Stage]
    changes: list[Changed]
    acts_for: list[str]

    @property
    def live(self) -> bool:
        """Whether the page should keep asking."""
        return self.action.status in LIVE or self.asking

    @property
    def seen(self) -> str:
        """Changes whenever something on the page would; the page sends it back when it asks."""
        execution = self.execution.status if self.execution else "-"
        late = ".late" if self.late else ""
        return f"{self.action.status}.{self.action.revision}.{len(self.decisions)}.{execution}.{len(self.events)}{late}"

    @property
    def late(self) -> bool:
        """Whether the last part of the time to decide has begun: what the page says and offers is another then."""
        ruling = Ruling.from_json(json.loads(self.revision.ruling))
        return running_out(self.action, review_seconds(ruling), timezone.now())

    @property
    def approvals(self) -> int:
        """Votes for the current revision."""
        return sum(1 for d in self.decisions if d.verb == Decision.Verb.APPROVE and d.revision_id == self.revision.pk)

    @property
    def on_failure(self) -> str:
        """What becomes of the call if its answer is lost."""
        return ON_FAILURE[self.contract.idempotency.kind] if self.contract else "it is never sent"

    @property
    def consent(self) -> str:
        """The words on the approve button: they name the effect."""
        if self.contract is None:
            return "Approve"
        return consenting(self.contract.consent_for(json.loads(self.revision.arguments)))

    @property
    def passed(self) -> list[dict[str, Any]]:
        """Findings with nothing to say: folded away together."""
        return [f for f in self.findings if f.get("verdict") in ("allow", "veto_window") and not f.get("warning")]

    @property
    def notable(self) -> list[dict[str, Any]]:
        """Findings to look at twice that did not ask for a person themselves: those are told under "why"."""
        return [f for f in self.warnings if f not in self.held_by]

    @property
    def stated_percent(self) -> int:
        """How sure the agent says it is: shown, never used."""
        return round(100 * (self.action.stated_confidence or 0))

    @property
    def effect_heading(self) -> str:
        """The heading of the effect, in the tense that is true now."""
        if self.action.status in ("done", "undone"):
            return "What was changed"
        if self.action.status == "uncertain":
            return "What may have changed"
        nothing = self.action.status in ("denied", "rejected", "expired", "withdrawn", "halted", "failed")
        return "What would have changed" if nothing else "What will change"

    @property
    def why_heading(self) -> str:
        """The heading of the ruling, in the tense that is true now."""
        if self.action.status == "denied":
            return "Why it was denied"
        waits = self.action.status in ("proposed", "in_review")
        if not waits and not self.held_by:
            return "What the policy said"
        return "Why it waits for a person" if waits else "Why a person was asked"

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """Findings that a reader should look at first."""
        return [f for f in self.findings if f.get("warning")]

    @property
    def held_by(self) -> list[dict[str, Any]]:
        """Findings that asked for a person, or said no."""
        return [f for f in self.findings if f.get("verdict") in ("review", "deny")]

    @property
    def anchors(self) -> bool:
        """Whether the agent's words are kept out of the page until a reader asks: on high risk, facts come first."""
        return self.action.risk == "high"

    @property
    def waits(self) -> bool:
        """Whether people still decide on it."""
        return self.action.status == "in_review"

    @property
    def ahead(self) -> bool:
        """Whether its effect still lies ahead."""
        return self.action.status in LIVE - {"executing"}

    @property
    def permitted_by(self) -> list[str]:
        """The names of the people whose word the permit rests on; nobody where the policy let it go."""
        deciders = set(self.permit.deciders) if self.permit else set()
        return sorted({d.decider.username for d in self.decisions if d.decider_id in deciders})

    @property
    def must_expand(self) -> bool:
        """Whether every folded value has to be opened before consent."""
        return guarded(self.action) and any(a.folded for a in self.arguments)


def consenting(words: str) -> str:
    """A contract's words for a yes as the label of its button. Words that name the effect alone are led in, so that
    what is pressed reads as a yes: `Approve: delete user U-12`."""
    if words.split(" ", 1)[0] == "Approve":
        return words
    return f"Approve: {words[:1].lower()}{words[1:]}" if words[1:2].islower() else f"Approve: {words}"


def card(action: Action) -> Card:
    """Read what belongs to an action. Seven queries, whatever its size; one more where it acts for several people, and
    one where somebody edited it."""
    revisions = Revision.objects.select_related("tool_version", "policy_version", "author").defer("author__password")
    revision = revisions.get(action=action, number=action.revision)
    contract = Contract.from_json(revision.tool_version.contract) if revision.tool_version else None
    execution = Execution.objects.filter(action=action.pk).select_related("claimer").first()
    permit = Permit.objects.filter(action=action).order_by("-id").first()
    said = Decision.objects.filter(action=action).select_related("decider").defer("decider__password")
    decisions = list(said.order_by("id"))
    subjects = [action.pk, *(row.pk for row in (execution, permit) if row is not None)]
    events = list(Event.objects.about(action.organization_id, *subjects))
    # While it waits, who could approve is told as it is now (``unroutable_now``), not as it was when it was ruled.
    return Card(
        action=action,
        revision=revision,
        contract=contract,
        arguments=arguments(json.loads(revision.arguments), contract),
        told=foreseen(revision),
        request=without_secrets(revision.request, json.loads(revision.arguments), contract),
        findings=[f for f in findings(revision) if f.get("check") != "approvers" or action.status != "in_review"],
        decisions=decisions,
        execution=execution,
        permit=permit,
        events=events,
        stages=stages(action, decisions, permit, execution),
        changes=changes(revision, contract) if revision.author_id else [],
        acts_for=acts_for(action),
    )


def acts_for(action: Action) -> list[str]:
    """The names of everybody for whom an action acts, the initiator first: none of them may decide."""
    others = [person for person in action.principals if person != action.initiator_id]
    found = User.objects.filter(pk__in=others).values_list("username", flat=True).order_by("username") if others else ()
    return [action.initiator.username, *found]


def changes(revision: Revision, contract: Contract | None) -> list[Changed]:
    """What an editor changed against the revision before, value by value."""
    before = Revision.objects.filter(action=revision.action_id, number=revision.number - 1).first()
    if before is None:
        return []
    return changed(json.loads(before.arguments), json.loads(revision.arguments), contract)


def findings(revision: Revision) -> list[dict[str, Any]]:
    """The ruling's findings: to look at twice first, then the most severe, then in the order they were made."""
    return findings_in(json.loads(revision.ruling))


def findings_in(ruling: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same of a ruling that is no revision's."""
    found = [dict(f) for f in ruling.get("findings", ())]
    for one in found:
        one["name"] = CHECKS.get(str(one.get("check")), str(one.get("check")).replace("_", " ").capitalize())
    return sorted(found, key=lambda f: (not f.get("warning"), _ORDER.get(str(f.get("verdict")), 0)))


def votes_by_action(ids: list[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many people have approved each action's current revision so far."""
    counted: dict[uuid.UUID, int] = {}
    rows = Decision.objects.filter(action_id__in=ids, verb=Decision.Verb.APPROVE).values_list(
        "action_id", "revision__number", "action__revision"
    )
    for action, number, current in rows:
        if number == current:
            counted[action] = counted.get(action, 0) + 1
    return counted
