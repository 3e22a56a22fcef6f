"""Fifty secrets that are nobody's: each is told by its name, its shape or its value, and can be looked for.

Loaded through LAM_TOOLS by a real instance, whose tools answer and fail with some of them.
"""

from __future__ import annotations

import hashlib

from pydantic import BaseModel, Field

from tools.connecting import Call, ToolFailed
from tools.connectors.python import tool
from tools.contract import Idempotency, Tier
from traces.canonical import JSON


def canary(name: str) -> str:
    """A value that occurs nowhere else, with letters and digits as keys have them."""
    return "Zq7" + hashlib.sha256(f"canary {name}".encode()).hexdigest()[:29]


ANSWERED = {f"answer-{n}": canary(f"answer-{n}") for n in range(16)}
"""What a tool answers: in fields by their name, in text by their shape."""
FAILED = {f"failure-{n}": canary(f"failure-{n}") for n in range(4)}
MODEL = {f"model-{n}": canary(f"model-{n}") for n in range(10)}
"""What the model says of itself."""
SENT = {f"header-{n}": canary(f"header-{n}") for n in range(10)}
"""What callers send in headers."""
GIVEN = {f"environment-{n}": canary(f"environment-{n}") for n in range(6)}
"""What the processes are given."""
ARGUMENTS = {f"argument-{n}": canary(f"argument-{n}") for n in range(4)}
"""In fields that the contract calls secret."""
ALL = {**ANSWERED, **FAILED, **MODEL, **SENT, **GIVEN, **ARGUMENTS}

NAMES = ("api_key", "password", "access_token", "client_secret", "private_key", "Set-Cookie", "authorization", "token")


def shapes(*values: str) -> str:
    """Text in which these stand as people and programs write keys."""
    forms = (
        "Authorization: Bearer {}", "postgres://lam:{}@db/x", "sk-{}", "api_key={}", "password: {}", "whsec_{}",
        "ghp_{}", "eyJhbGciOi.{}.c2lnbmF0dXJl".replace("eyJhbGciOi", "eyJhbGciOiJFZERTQSJ9"),
    )  # fmt: skip
    return " ; ".join(forms[place % len(forms)].format(value) for place, value in enumerate(values))


class Asked(BaseModel):
    """What is asked for."""

    about: str = Field(title="About", min_length=1, max_length=200, description="What it is about")
    code: str = Field(title="Code", default="", max_length=100, description="The door's code")


def _leak(call: Call) -> dict[str, JSON]:
    values = list(ANSWERED.values())
    fields: dict[str, JSON] = dict(zip(NAMES, values[:8], strict=True))
    return {"receipt": call.key, "vault": fields, "said": shapes(*values[8:])}


@tool(
    title="Open the vault",
    tier=Tier.WRITE,
    idempotency=Idempotency.keyed(600),
    summary="Open the vault about {about} with {code}",
    consent="Open it",
    secret_fields=("code",),
)
def open_vault(arguments: Asked, call: Call) -> dict[str, JSON]:
    """Open the vault and tell what is in it."""
    return _leak(call)


@tool(
    title="Break the vault",
    tier=Tier.WRITE,
    idempotency=Idempotency.keyed(600),
    summary="Break the vault about {about} with {code}",
    consent="Break it",
    secret_fields=("code",),
)
def break_vault(arguments: Asked, call: Call) -> dict[str, JSON]:
    """Break the vault open, which fails loudly."""
    raise ToolFailed(shapes(*FAILED.values()))
