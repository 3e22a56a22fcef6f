"""Everything that the trace of one model call keeps, whether the call succeeded or not. Pure."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Part:
    """One piece of the prompt; consecutive pieces of one role are sent as one message, joined by an empty line.

    Pieces are kept apart because most of them repeat from step to step, and a trace stores each text once.
    """

    role: Literal["system", "user"]
    content: str
    images: tuple[str, ...] = ()
    """Data URLs of what is shown beside the words; traces keep the words alone, which name each image's digest."""


@dataclass(frozen=True)
class Candidate:
    """A tool that the model considered and left, with its own words for why."""

    tool: str
    why_not: str


@dataclass(frozen=True)
class Alternative:
    """What the model could have written in place of the tool's name, and the probability (0 to 1) that it gave to it.

    `tool` is a tool's name; or the beginning of several names and an ellipsis; or the bare text, where it is no tool.
    """

    tool: str
    probability: float


@dataclass(frozen=True)
class TraceDraft:
    """One model call as it was made and answered; what is unknown is None.

    `logprob` is the natural logarithm of the probability of the chosen tool's name; `latency_ms` is the whole call in
    milliseconds; `model` is the name that the server gave itself, `model_version` its fingerprint; `error` is the code
    of the PlannerError that the call ended in.
    """

    prompt: tuple[Part, ...]
    schema_digest: str
    model: str
    model_version: str | None = None
    text: str | None = None
    reasoning: str | None = None
    considered: tuple[Candidate, ...] = ()
    tool: str | None = None
    logprob: float | None = None
    alternatives: tuple[Alternative, ...] = ()
    tokens_in: int | None = None
    tokens_out: int | None = None
    latency_ms: float | None = None
    finish_reason: str | None = None
    refusal: str | None = None
    request_id: str | None = None
    structured: bool = True
    """Whether the server was asked to hold the answer to the schema while it wrote it."""
    error: str | None = None
