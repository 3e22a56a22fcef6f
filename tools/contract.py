"""The contract that every tool declares, and the outcome that every call has. Pure.

The planner's schema, the gate's checks, the reviewer's card, the readiness list and the executor all read this one
object. Its version is a hash over everything that changes what is shown or what runs, so a permit for one version is
void for another.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tools.contract_rules import problems_of
from tools.kinds import Category, IdempotencyClass, Maturity, OutcomeStatus, Risk, Tier
from tools.schemas import Problem
from tools.summaries import summarise
from traces.canonical import JSON, digest
from traces.exceptions import DomainError

__all__ = [
    "Category",
    "Contract",
    "ContractRefused",
    "Error",
    "Idempotency",
    "IdempotencyClass",
    "Maturity",
    "Outcome",
    "OutcomeStatus",
    "Problem",
    "Risk",
    "Tier",
    "summarise",
]


class ContractRefused(DomainError):
    """This tool's contract cannot be registered."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "contract_invalid"

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            f"{name}: {'; '.join(map(str, problems))}",
            problems=[problem._asdict() for problem in problems],
        )


@dataclass(frozen=True, slots=True)
class Idempotency:
    """What the tool can say about a call whose answer was lost."""

    kind: IdempotencyClass
    lifetime: int | None = None
    """Seconds for which the tool honours a key; keyed tools only."""

    @classmethod
    def keyed(cls, lifetime: int) -> "Idempotency":
        """The tool honours a key for so many seconds."""
        return cls(IdempotencyClass.KEYED, lifetime)

    @classmethod
    def queryable(cls) -> "Idempotency":
        """The tool can be asked what became of a key."""
        return cls(IdempotencyClass.QUERYABLE)

    @classmethod
    def neither(cls) -> "Idempotency":
        """A lost answer stays lost until a person looks."""
        return cls(IdempotencyClass.NEITHER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a tool is, takes, touches and promises. Built freely; `validate` decides whether it may be registered."""

    name: str
    """What programs call it: an ASCII slug such as `send_message`."""
    title: str
    description: str
    """What the model reads when it chooses a tool."""
    arguments_schema: dict[str, JSON]
    tier: Tier
    idempotency: Idempotency
    summary: str
    """The headline that a reviewer reads: `Send "{subject}" to {to}`."""
    consent: str
    """What the approve button says: `Send message to {to}`."""
    connector: str
    """Which kind of connector makes the call: `python`, `http` …"""
    binding: dict[str, JSON]
    """Where the connector finds the tool; its own words."""
    result_schema: dict[str, JSON] | None = None
    categories: frozenset[Category] = frozenset()
    reversible: bool = False
    inverse: str | None = None
    """The tool that undoes this one."""
    secret_fields: tuple[str, ...] = ()
    """Arguments that are never shown, logged or traced."""
    recipient_fields: tuple[str, ...] = ()
    """Arguments that say who receives the effect."""
    amount_field: str = ""
    """The argument that says how much money moves; its path, empty where none does."""
    currency: str = ""
    """The currency of that amount where it is always the same (ISO 4217)."""
    currency_field: str = ""
    """The argument that names the currency where it is not."""
    scope_fields: Mapping[str, str] = field(default_factory=dict)
    """Argument to the kind of thing that it names, where that thing belongs to an organization."""
    lookups: Mapping[str, str] = field(default_factory=dict)
    """Argument to the kind of record whose name is read fresh for the reviewer."""
    preview: bool = False
    """Whether the tool can say beforehand what a call would do."""
    verify: bool = False
    """Whether the tool can be asked after a call if the effect holds."""
    trusted_output: bool = False
    """Whether the result may be believed; text from outside may not."""
    timeout: float = 30.0
    """Seconds until a call without an answer counts as uncertain."""
    network: tuple[str, ...] = ()
    """Hosts that the tool may talk to, `host` or `host:port`; empty for none."""
    owner: str = ""
    """The person or team that answers for this tool."""

    def problems(self) -> list[Problem]:
        """Everything that keeps this contract from being registered, each with its path."""
        return problems_of(self)

    def validate(self) -> "Contract":
        """This contract, or ContractRefused with every problem."""
        found = self.problems()
        if found:
            raise ContractRefused(self.name if isinstance(self.name, str) else "a tool", found)
        return self

    def version_hash(self) -> str:
        """Names what is shown and what runs. Title, description and owner are told to people and models only."""
        told = ("title", "description", "owner")
        return digest("tool_version", {key: value for key, value in self.to_json().items() if key not in told})

    def summary_of(self, arguments: Mapping[str, JSON]) -> str:
        """The reviewer's headline for these arguments."""
        return summarise(self.summary, arguments, secret=self.secret_fields, amounts=(self.amount_field,))

    def consent_for(self, arguments: Mapping[str, JSON]) -> str:
        """The words on the approve button for these arguments."""
        return summarise(self.consent, arguments, secret=self.secret_fields, amounts=(self.amount_field,), limit=60)

    def to_json(self) -> dict[str, JSON]:
        """Every field as JSON, sets sorted."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "arguments_schema": self.arguments_schema,
            "result_schema": self.result_schema,
            "tier": self.tier.value,
            "categories": sorted(category.value for category in self.categories),
            "idempotency": {"kind": self.idempotency.kind.value, "lifetime": self.idempotency.lifetime},
            "reversible": self.reversible,
            "inverse": self.inverse,
            "summary": self.summary,
            "consent": self.consent,
            "secret_fields": list(self.secret_fields),
            "recipient_fields": list(self.recipient_fields),
            # Left out where empty: a tool that does not say these things is the version that it was before.
            **{name: value for name, value in self._said_since().items() if value},
            "trusted_output": self.trusted_output,
            "timeout": self.timeout,
            "network": list(self.network),
            "owner": self.owner,
            "connector": self.connector,
            "binding": self.binding,
        }

    def _said_since(self) -> dict[str, JSON]:
        return {
            "amount_field": self.amount_field,
            "currency": self.currency,
            "currency_field": self.currency_field,
            "scope_fields": dict(self.scope_fields),
            "lookups": dict(self.lookups),
            "preview": self.preview,
            "verify": self.verify,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Contract":
        """The contract that `to_json` wrote; KeyError, TypeError or ValueError for anything else."""
        idempotency = value["idempotency"]
        return cls(
            **{
                **value,
                "tier": Tier(value["tier"]),
                "categories": frozenset(map(Category, value["categories"])),
                "idempotency": Idempotency(IdempotencyClass(idempotency["kind"]), idempotency["lifetime"]),
                "secret_fields": tuple(value["secret_fields"]),
                "recipient_fields": tuple(value["recipient_fields"]),
                "network": tuple(value["network"]),
                "timeout": float(value["timeout"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Error:
    """Why a call failed: a stable word for programs and a sentence for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended, as far as is known; never a guess."""

    status: OutcomeStatus
    result: JSON = None
    error: Error | None = None
    sent: bool | None = None
    """Whether the request left for the tool: True, False, or None when that is not known."""
    evidence: dict[str, JSON] = field(default_factory=dict)
    """What shows it: identifiers, receipts, status lines."""
    retryable: bool = False
    """Whether the same call may succeed later; whether it may be repeated is decided by the tool's class."""
    retry_after: float | None = None
    """After how many seconds the tool asks to be called again; None where it said nothing."""

    def __post_init__(self) -> None:
        if (self.error is None) != (self.status is OutcomeStatus.DONE):
            raise ValueError("a call that is not done has an error, and one that is done has none")

    @classmethod
    def done(cls, result: JSON, **evidence: JSON) -> "Outcome":
        """The effect is known to have happened."""
        return cls(OutcomeStatus.DONE, result=result, sent=True, evidence=evidence)

    @classmethod
    def failed(cls, code: str, text: str, *, sent: bool | None = False, retryable: bool = False) -> "Outcome":
        """The effect is known not to have happened; unless ``sent`` says otherwise, nothing even left."""
        return cls(OutcomeStatus.FAILED, error=Error(code, text), sent=sent, retryable=retryable)

    @classmethod
    def uncertain(cls, code: str, text: str, *, sent: bool | None = None) -> "Outcome":
        """Nobody knows whether there was an effect."""
        return cls(OutcomeStatus.UNCERTAIN, error=Error(code, text), sent=sent)
