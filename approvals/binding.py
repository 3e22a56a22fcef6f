"""What a digest binds. Pure: the same few lines are used when proposing, deciding, signing and claiming."""

import uuid
from typing import Any

from traces.canonical import canonical, digest, parse


def revision_digest(
    *,
    organization: uuid.UUID,
    run: uuid.UUID,
    step: int,
    action: uuid.UUID,
    number: int,
    tool: str,
    tool_version: str,
    arguments_digest: str,
    request_digest: str,
) -> str:
    """The digest that the reviewer's form carries and a decision names (promise 1).

    It is over a structure, not over joined text, so that nothing can be shifted from one field to the next.
    """
    return digest(
        "revision",
        {
            "organization": str(organization),
            "run": str(run),
            "step": step,
            "action": str(action),
            "revision": number,
            "tool": tool,
            "tool_version": tool_version,
            "arguments": arguments_digest,
            "request": request_digest,
        },
    )


def arguments_digest(arguments: Any) -> str:
    """The digest of normalised arguments."""
    return digest("arguments", arguments)


def request_digest(request: Any) -> str:
    """The digest of a prepared request, credentials left out."""
    return digest("request", request)


def idempotency_key(run: uuid.UUID, step: int) -> str:
    """The key that a tool receives and the ledger is unique over: one a step, however often it is tried."""
    return digest("step", {"run": str(run), "step": step})


def text(value: Any) -> str:
    """The canonical form as text, as rows keep it."""
    return canonical(value).decode()


def parsed(kept: str) -> Any:
    """A kept canonical text as a value again, read by the same strict parser that let it in."""
    return parse(kept)
