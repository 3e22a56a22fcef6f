"""The readiness list: what has to be so before a tool may act more freely, each item with what it was read from.

Conditions are data. Those that a tool's contract and setting answer stand here; what only the gate knows (limits,
approvers) or the memory (samples) is answered by whoever registers for it when the product starts. A condition that
nobody answers is not met. All of them are asked about many tools at once, so that a list of a thousand tools costs as
many queries as one.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.urls import NoReverseMatch, reverse

from accounts.models import Membership
from tools.contract import Contract
from tools.freedom import Settings
from tools.kinds import IdempotencyClass, Maturity, Tier
from tools.models import Tool
from tools.saga import gaps
from tools.wording import TOUCHES, span


@dataclass(frozen=True)
class Subject:
    """A tool as it would be set, with the contract of the version on offer."""

    tool: Tool
    contract: Contract | None
    settings: Settings


class Said(NamedTuple):
    """What a condition found for one tool: met or not, and the evidence in a sentence."""

    met: bool
    evidence: str


Asks = Callable[[uuid.UUID, Sequence[Subject]], Mapping[uuid.UUID, Said]]
"""Answers for all of these tools of an organization, by tool."""


@dataclass(frozen=True)
class Condition:
    """One line of the list."""

    key: str
    name: str
    place: str
    """The address name of the page where it is set; the tool's own page where empty."""
    link: str
    """What the link there says."""
    asks: str = ""
    """What the address asks for there: ``{name}`` and ``{pk}`` are the tool's."""


@dataclass(frozen=True)
class Item:
    """One line of the list for one tool."""

    key: str
    name: str
    met: bool
    evidence: str
    href: str
    link: str


@dataclass(frozen=True)
class Readiness:
    """A tool's list."""

    items: tuple[Item, ...]

    @property
    def met(self) -> int:
        """How many are met."""
        return sum(item.met for item in self.items)

    @property
    def worst_first(self) -> list[Item]:
        """What is missing, then what is not."""
        return sorted(self.items, key=lambda item: item.met)

    def missing(self, maturity: str) -> list[Item]:
        """What keeps the tool from this maturity: everything for audit only, everything but samples for on the loop."""
        if maturity == Maturity.IN_THE_LOOP:
            return []
        needs_all = maturity == Maturity.AUDIT_ONLY
        return [item for item in self.items if not item.met and (needs_all or item.key not in AFTERWARDS)]


CONDITIONS: Final = (
    Condition("schema", "Argument schema", "", "See the arguments"),
    Condition("undo", "Undo, or declared irreversible", "", "Who can change that"),
    Condition("idempotency", "A lost answer", "", "Who can change that"),
    Condition("preview", "Preview", "", "Who can change that"),
    Condition("limits", "Limits", "policy_new", "Set a limit", "?kind=limits&tool={name}"),
    Condition("approvers", "Reviewers", "matrix", "Give the right to review", "?q={name}&tool={pk}"),
    Condition("owner", "Owner", "", "Name an owner"),
    Condition("categories", "Categories lifted", "", "Lift with a reason"),
    Condition("time", "Time to object", "", "Set a veto window"),
    Condition("samples", "Audited samples", "audit", "Audit samples"),
)
AFTERWARDS: Final = frozenset({"samples"})
"""What can only be known of a tool that has run for a while: needed for audit only."""
MOST_CONTRACTS: Final = 2_000
"""How many contracts a process keeps read."""
_answers: dict[str, Asks] = {}
_contracts: dict[uuid.UUID, Contract] = {}


def answers(key: str, ask: Asks) -> None:
    """Whoever knows answers this condition from now on. Called when the product starts."""
    if key not in {condition.key for condition in CONDITIONS}:
        raise ValueError(f"there is no condition {key}")
    _answers[key] = ask


def readiness(organization: uuid.UUID, subjects: Sequence[Subject]) -> dict[uuid.UUID, Readiness]:
    """The list of each of these tools; a fixed number of queries, however many they are."""
    said = {key: ask(organization, subjects) for key, ask in _answers.items()}
    hrefs = {condition.key: _href(condition.place) for condition in CONDITIONS}
    found: dict[uuid.UUID, Readiness] = {}
    for subject in subjects:
        items = []
        for condition in CONDITIONS:
            met, evidence = said.get(condition.key, {}).get(subject.tool.pk, Said(False, "Nobody can say."))
            there = hrefs[condition.key] + condition.asks.format(name=subject.tool.name, pk=subject.tool.pk)
            here = there if hrefs[condition.key] else f"{_own_page(subject)}#{_part(condition.key)}"
            items.append(Item(condition.key, condition.name, met, evidence, here, condition.link))
        found[subject.tool.pk] = Readiness(tuple(items))
    return found


def subject_of(tool: Tool, settings: Settings) -> Subject:
    """A tool as it would be with these settings."""
    return Subject(tool, contract_of(tool), settings)


def contract_of(tool: Tool) -> Contract | None:
    """The contract on offer; None where there is none. A version never changes, so each is read once in a while."""
    version = tool.version
    if version is None:
        return None
    found = _contracts.get(version.pk)
    if found is None:
        if len(_contracts) >= MOST_CONTRACTS:
            _contracts.clear()
        found = _contracts[version.pk] = Contract.from_json(version.contract)
    return found


def _href(place: str) -> str:
    try:
        return reverse(place) if place else ""
    except NoReverseMatch:
        return ""


def _own_page(subject: Subject) -> str:
    return reverse("tool", args=[subject.tool.pk])


def _part(key: str) -> str:
    """Which part of the tool's page a condition is set or seen in."""
    return {"schema": "arguments", "owner": "set", "categories": "set", "time": "set"}.get(key, "contract")


def _each(one: Callable[[Subject, Contract], Said]) -> Asks:
    """A condition that a single tool's contract and setting answer."""

    def ask(_organization: uuid.UUID, subjects: Sequence[Subject]) -> Mapping[uuid.UUID, Said]:
        return {
            s.tool.pk: one(s, s.contract) if s.contract else Said(False, "No version is on offer.") for s in subjects
        }

    return ask


def _schema(_subject: Subject, contract: Contract) -> Said:
    fields = contract.arguments_schema.get("properties") or {}
    assert isinstance(fields, dict)
    words = f"{len(fields)} {'field' if len(fields) == 1 else 'fields'}"
    if contract.arguments_schema.get("additionalProperties") is not False:
        return Said(False, f"{words}, and others are taken unseen")
    return Said(True, f"{words}, no others are taken")


def _idempotency(_subject: Subject, contract: Contract) -> Said:
    kind, lifetime = contract.idempotency.kind, contract.idempotency.lifetime
    if contract.tier is Tier.READ:
        return Said(True, "It only reads: asking again has no effect")
    if kind is IdempotencyClass.KEYED:
        return Said(True, f"Keyed: a repeat within {span(lifetime or 0)} has no second effect")
    if kind is IdempotencyClass.QUERYABLE:
        return Said(True, "Queryable: it can be asked what became of a call")
    return Said(False, "Neither: a lost call can be neither repeated nor asked about, so it stays in the loop")


def _preview(_subject: Subject, contract: Contract) -> Said:
    if contract.tier is Tier.READ:
        return Said(True, "It only reads: there is nothing to foresee")
    if contract.preview:
        return Said(True, "It can say beforehand what a call would do")
    return Said(False, "It cannot say beforehand what a call would do")


def _categories(subject: Subject, contract: Contract) -> Said:
    held = sorted(category for category in contract.categories if category.value not in subject.settings["lifted"])
    if held:
        names = ", ".join(TOUCHES[category].lower() for category in held)
        return Said(False, f"Each call waits for a person until {names} is lifted with a reason")
    return Said(True, "All lifted, each with a reason" if contract.categories else "It declares none")


def _time(subject: Subject, contract: Contract) -> Said:
    settings = subject.settings
    if settings["maturity"] != Maturity.ON_THE_LOOP:
        return Said(True, "Asked when it is on the loop")
    if settings["veto_seconds"] == 0 and not contract.reversible:
        return Said(False, "Only what can be undone may leave with no time to object")
    return Said(True, span(settings["veto_seconds"]))


def _undo(_organization: uuid.UUID, subjects: Sequence[Subject]) -> Mapping[uuid.UUID, Said]:
    named = {s.contract.inverse for s in subjects if s.contract and s.contract.inverse}
    rows = Tool.objects.filter(
        organization__in={s.tool.organization_id for s in subjects}, name__in=named, version__isnull=False
    ).select_related("version")
    inverses = {
        (row.organization_id, row.name): (row, Contract.from_json(row.version.contract)) for row in rows if row.version
    }
    return {s.tool.pk: _undone(s, inverses) for s in subjects}


def _undone(subject: Subject, inverses: Mapping[tuple[uuid.UUID, str], tuple[Tool, Contract]]) -> Said:
    contract = subject.contract
    if contract is None:
        return Said(False, "No version is on offer.")
    if contract.tier is Tier.READ:
        return Said(True, "It only reads: there is nothing to undo")
    if not contract.reversible:
        return Said(True, "Irreversible, and declared so: every card says it first")
    if contract.inverse is None:
        return Said(False, "It says that it can be undone, and names no tool that does it")
    return _taken_back(contract, inverses.get((subject.tool.organization_id, contract.inverse)))


def _taken_back(contract: Contract, inverse: tuple[Tool, Contract] | None) -> Said:
    if inverse is None or not inverse[0].enabled or inverse[0].forbidden:
        return Said(False, f"It names {contract.inverse}, which is not in use here")
    found = gaps(contract, inverse[1])
    said = f"{contract.inverse} takes it back"
    return Said(not found, f"{said}, but {found[0]}" if found else said)


def _owner(organization: uuid.UUID, subjects: Sequence[Subject]) -> Mapping[uuid.UUID, Said]:
    asked = {s.settings["owner"] for s in subjects if s.settings["owner"]}
    names = {
        str(user): name
        for user, name in Membership.objects.filter(
            organization_id=organization, user__in=asked, user__is_active=True
        ).values_list("user_id", "user__username")
    }
    return {s.tool.pk: _owned(s.settings["owner"], names) for s in subjects}


def _owned(owner: str | None, names: Mapping[str, str]) -> Said:
    if owner is None:
        return Said(False, "Nobody answers for it yet")
    return Said(owner in names, names.get(owner, "Whoever is named does not belong here any more"))


def _samples(_organization: uuid.UUID, subjects: Iterable[Subject]) -> Mapping[uuid.UUID, Said]:
    """Until there are samples. What only reads and touches nothing of a category has no effect that one could judge."""
    return {
        s.tool.pk: Said(True, "It only reads, and nothing that people care about most")
        if s.contract and s.contract.tier is Tier.READ and not s.contract.categories and s.settings["tier"] == Tier.READ
        else Said(False, "No samples yet: nobody has audited what it did")
        for s in subjects
    }


for _key, _ask in (
    ("schema", _each(_schema)),
    ("undo", _undo),
    ("idempotency", _each(_idempotency)),
    ("preview", _each(_preview)),
    ("owner", _owner),
    ("categories", _each(_categories)),
    ("time", _each(_time)),
    ("samples", _samples),
):
    answers(_key, _ask)
