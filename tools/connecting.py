"""What every connector offers the executor, and what a call is told. Importable without any connector."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from tools.contract import Contract, Outcome
from tools.previews import Look, Preview
from tools.verifying import Verified
from traces.canonical import JSON
from traces.exceptions import DomainError


@dataclass(frozen=True)
class Call:
    """One permitted call: the request exactly as it was hashed and shown, and the key that names it for ever."""

    organization: uuid.UUID
    run: uuid.UUID
    action: uuid.UUID
    key: str
    request: JSON
    attempt: int = 1
    clean: bool = False
    """Whether every attempt before this one is known to have done nothing."""
    arguments: Mapping[str, JSON] = field(default_factory=dict)
    """What the request was prepared from; what a check holds the effect against. Nothing of it is sent."""


class ToolFailed(DomainError):
    """The tool says that nothing was done."""

    http_status: ClassVar[int] = 502
    code: ClassVar[str] = "tool_failed"


class Connector(Protocol):
    """Reaches one kind of tool. ``prepare`` is pure; the others talk to the world."""

    def prepare(self, contract: Contract, arguments: Mapping[str, JSON]) -> JSON:
        """The request that these arguments become, credentials left out. The same arguments give the same request."""
        ...

    def call(self, contract: Contract, call: Call) -> Outcome:
        """Send the request, once. Never raises: what went wrong is an outcome, and a doubt is UNCERTAIN."""
        ...

    def probe(self, contract: Contract, call: Call) -> Outcome | None:
        """What became of the key: an outcome, or None for "absent", or UNCERTAIN where the tool cannot say."""
        ...

    def preview(self, contract: Contract, asked: Look) -> Preview:
        """What the call would do and what its identifiers name, without doing anything; within the contract's timeout,
        under the same egress rules. Whoever could not be asked is a preview that failed.
        """
        ...

    def verify(self, contract: Contract, call: Call, answer: JSON) -> Verified:
        """Whether the effect that a call's answer speaks of holds, without doing anything; within the contract's
        timeout, under the same egress rules.
        """
        ...
