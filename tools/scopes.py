"""What a stop can be over, as keys: actions and runs carry them, claims lock them, kills raise them. Pure."""

import uuid

EVERYTHING = "everything"


def key(scope: str, target: uuid.UUID) -> str:
    """The key of one scope, such as ``tool:<id>``."""
    return f"{scope}:{target}"


def keys_over(
    *, organization: uuid.UUID, agent: uuid.UUID, initiator: uuid.UUID, run: uuid.UUID, tool: uuid.UUID | None = None
) -> list[str]:
    """Every stop that could catch what this agent does for this person in this run, sorted."""
    named = {"organization": organization, "agent": agent, "initiator": initiator, "run": run, "tool": tool}
    return sorted([EVERYTHING, *(key(scope, target) for scope, target in named.items() if target is not None)])
