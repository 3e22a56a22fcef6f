"""The rest of what the policy looks at: what is used up, what is named, where words come from, who could decide.

Each kind says by its default that nothing is known, and the check that reads it never takes that for a yes.
"""

from dataclasses import dataclass
from enum import StrEnum

from traces.canonical import JSON


class Source(StrEnum):
    """Where an argument's value comes from. The mind reports it; the gate never lets it lower a verdict."""

    GOAL = "goal"
    """The initiator's own words."""
    RECORD = "record"
    """What a tool with trusted output returned."""
    MEMORY = "memory"
    """A remembered fact that a person accepted."""
    PERSON = "person"
    """A reviewer wrote it while editing."""
    OUTSIDE = "outside"
    """Text that came from outside through a tool."""
    UNKNOWN = "unknown"


class Owner(StrEnum):
    """Whose a named resource is."""

    OWN = "own"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


class DryRunState(StrEnum):
    """What became of asking the tool what it would do."""

    NOT_OFFERED = "not_offered"
    """The tool has no preview."""
    AWAITED = "awaited"
    DONE = "done"
    REFUSED = "refused"
    """The tool says that the call would fail."""
    FAILED = "failed"
    """The tool could not be asked."""


class PlanState(StrEnum):
    """How this call stands to a plan that a person approved."""

    NONE = "none"
    """No plan was approved for this run."""
    AS_APPROVED = "as_approved"
    DEPARTS = "departs"


@dataclass(frozen=True, slots=True)
class Usage:
    """How far one limit was used before this call, and what this call asks of it. Decimal numbers as text."""

    limit: str
    """The id of the limit in the policy."""
    subject: str
    """Whose use is counted, as people know it: `agent planner`."""
    used: str
    asks: str
    unit: str = ""
    """The currency of an amount; empty for a number of calls."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A thing that an argument names, and whose it is."""

    path: str
    kind: str
    identifier: str
    owner: Owner


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the value at a path comes from."""

    path: str
    source: Source
    told: str = ""
    """What shows it, for the reviewer: `step 2, get_order`."""


@dataclass(frozen=True, slots=True)
class History:
    """What this run has done already. ``failed``, ``rejected`` and ``repeated`` are about this very call."""

    failed: int = 0
    rejected: int = 0
    repeated: int = 0
    """How often this very call succeeded in this run."""
    steps: int = 0
    tokens: int = 0
    cost: str = "0"
    """What the model's calls of this run cost so far, as a decimal number in the policy's currency."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """What the tool said that it would do."""

    state: DryRunState = DryRunState.NOT_OFFERED
    text: str = ""
    """The predicted effect in one sentence, or why there is none."""
    affected: int | None = None
    """How many records it would touch, where the tool tells."""
    effect: JSON = None
    """Before and after, as the tool described it."""
    preconditions: str = ""
    """A digest of the state of the world that the prediction rests on."""
    drifted: bool = False
    """Whether that state has changed since somebody looked."""


@dataclass(frozen=True, slots=True)
class Able:
    """How many people of a team could decide on this now, the principals left out; None for a team that is not there.

    The empty name stands for everybody who may review the tool.
    """

    team: str
    people: int | None
