"""Everything the policy may look at: gathered before, judged once, stored with the revision.

Words that this version does not know are kept as they were written, so that the rule can say no to them by name;
reading stored facts never turns an unknown word into a known one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, TypeVar, cast

from approvals.policy.evidence import (
    Able,
    DryRun,
    DryRunState,
    History,
    Origin,
    Owner,
    PlanState,
    Resource,
    Source,
    Usage,
)
from approvals.policy.grants import Granted
from tools.kinds import Category, IdempotencyClass, Maturity, Tier
from traces.canonical import JSON

FORMAT = 4
"""The form in which facts are stored now."""
FORMATS = (1, 2, 3, FORMAT)
"""Every form that can be read."""
WITH_EVIDENCE = 2
"""From this form on, usage, resources, history, plan, provenance, dry run and approvers are stored."""
_Word = TypeVar("_Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Halt:
    """A kill switch that is engaged over this call."""

    scope: str
    """What it is over: everything, organization, tool, agent, initiator or run."""
    target: str
    """The name of what it is over, empty for everything."""
    reason: str


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody in whose name the call is made: the initiator, or the agent."""

    id: str
    name: str
    may_use: bool
    """Whether this party holds the permission to use this very tool."""
    tier: Tier
    """The deepest tier that this party may use."""
    active: bool = True
    teams: tuple[str, ...] | None = None
    """The teams that a person is in, sorted; None where nobody looked, which no entry about a team takes for a no."""


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """The tool as the catalogue and this organization hold it."""

    name: str
    version_hash: str
    proposed_version_hash: str
    """The version that the proposal was made for."""
    tier: Tier
    maturity: Maturity
    idempotency: IdempotencyClass
    reversible: bool
    enabled: bool = True
    forbidden: bool = False
    recommend_only: bool = False
    veto_seconds: int = 0
    categories: frozenset[Category] = frozenset()
    lifted: Mapping[str, str] = field(default_factory=dict)
    """Category to the reason for which an administrator lifted it."""
    lifted_up_to: Mapping[str, str] = field(default_factory=dict)
    """Category to the largest amount of one call for which it is lifted, as a decimal number."""
    amount: str | None = None
    """How much money this call moves, as a decimal number; None where nobody can tell."""
    currency: str = ""
    """The currency of that amount (ISO 4217); empty where nobody can tell."""
    secret_fields: frozenset[str] = frozenset()
    """Arguments whose values no finding may show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One call, as it is judged."""

    policy_version: int
    tool_requested: str
    """The name that was asked for, whether or not such a tool exists."""
    tool: ToolFacts | None
    arguments: JSON
    """The normalised arguments: an object."""
    initiator: Party
    agent: Party
    problems: tuple[tuple[str, str], ...] = ()
    """What is wrong with the arguments: path and message."""
    halts: tuple[Halt, ...] = ()
    confidence: float | None = None
    """From the model's token probabilities, 0 to 1; None when unknown. Never a number that an agent states."""
    usage: tuple[Usage, ...] = ()
    """How far each limit that this call counts against was used before it."""
    resources: tuple[Resource, ...] = ()
    history: History = field(default_factory=History)
    plan: PlanState = PlanState.NONE
    provenance: tuple[Origin, ...] = ()
    dry_run: DryRun = field(default_factory=DryRun)
    approvers: tuple[Able, ...] = ()
    grant: Granted | None = None
    """A person's standing yes to calls like this one, with what was used of it before this call."""

    def to_json(self) -> dict[str, JSON]:
        """Every fact as JSON, sets sorted; 4 is this format's version."""
        tool = self.tool
        return {
            "format": FORMAT,
            "policy_version": self.policy_version,
            "tool_requested": self.tool_requested,
            "tool": None
            if tool is None
            else {
                **_fields(tool),
                "categories": sorted(map(str, tool.categories)),
                "secret_fields": sorted(tool.secret_fields),
                "lifted": {str(category): reason for category, reason in tool.lifted.items()},
                "lifted_up_to": {str(category): most for category, most in tool.lifted_up_to.items()},
            },
            "arguments": self.arguments,
            "initiator": _party_fields(self.initiator),
            "agent": _party_fields(self.agent),
            "problems": [list(problem) for problem in self.problems],
            "halts": [_fields(halt) for halt in self.halts],
            "confidence": self.confidence,
            "usage": [_fields(one) for one in self.usage],
            "resources": [_fields(one) for one in self.resources],
            "history": _fields(self.history),
            "plan": self.plan.value,
            "provenance": [_fields(one) for one in self.provenance],
            "dry_run": _fields(self.dry_run),
            "approvers": [_fields(one) for one in self.approvers],
            "grant": None if self.grant is None else self.grant.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Facts":
        """The facts that `to_json` wrote; KeyError, TypeError or ValueError for anything else."""
        if value["format"] not in FORMATS:
            raise ValueError(f"facts of format {value['format']!r} cannot be read")
        rest = {key: inner for key, inner in value.items() if key != "format"}
        return cls(
            **{
                **rest,
                "tool": None if value["tool"] is None else _tool(value["tool"]),
                "initiator": _party(value["initiator"]),
                "agent": _party(value["agent"]),
                "problems": tuple((path, message) for path, message in value["problems"]),
                "halts": tuple(Halt(**halt) for halt in value["halts"]),
                "grant": None if value.get("grant") is None else Granted.from_json(value["grant"]),
                **(_evidence(value) if value["format"] >= WITH_EVIDENCE else {}),
            }
        )


def _evidence(value: Mapping[str, Any]) -> dict[str, Any]:
    """What the second format added; an unknown word stays what was written, as everywhere."""
    return {
        "usage": tuple(Usage(**one) for one in value["usage"]),
        "resources": tuple(Resource(**{**one, "owner": _word(Owner, one["owner"])}) for one in value["resources"]),
        "history": History(**value["history"]),
        "plan": _word(PlanState, value["plan"]),
        "provenance": tuple(Origin(**{**one, "source": _word(Source, one["source"])}) for one in value["provenance"]),
        "dry_run": DryRun(**{**value["dry_run"], "state": _word(DryRunState, value["dry_run"]["state"])}),
        "approvers": tuple(Able(**one) for one in value["approvers"]),
    }


def _tool(value: Mapping[str, Any]) -> ToolFacts:
    words = {
        "tier": _word(Tier, value["tier"]),
        "maturity": _word(Maturity, value["maturity"]),
        "idempotency": _word(IdempotencyClass, value["idempotency"]),
        "categories": frozenset(_word(Category, category) for category in value["categories"]),
        "lifted": dict(value["lifted"]),
        "lifted_up_to": dict(value.get("lifted_up_to", {})),
        "secret_fields": frozenset(value.get("secret_fields", ())),
    }
    return ToolFacts(**{**value, **words})


def _party(value: Mapping[str, Any]) -> Party:
    teams = value.get("teams")
    known = None if teams is None else tuple(map(str, teams))
    return Party(**{**value, "tier": _word(Tier, value["tier"]), "teams": known})


def _party_fields(party: Party) -> dict[str, JSON]:
    return {**_fields(party), "teams": None if party.teams is None else list(party.teams)}


def _word(kind: type[_Word], value: str) -> _Word:
    try:
        return kind(value)
    except ValueError:
        return cast("_Word", value)


def _fields(record: Any) -> dict[str, JSON]:
    """A record as JSON, words as plain text; faster than asdict, which copies everything."""
    found = {one.name: getattr(record, one.name) for one in fields(record)}
    return {name: value.value if isinstance(value, StrEnum) else value for name, value in found.items()}
