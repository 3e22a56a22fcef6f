"""Secrets, made unreadable at one place for every sink: events, traces, tools’ answers, logs, problems. Pure.

What is secret is told by its name (a field called ``api_key``), by its shape (what issuers of keys make recognisable)
and by its value: what this process was itself given in a variable with such a name, or as the password of an address.
Whatever writes down what came from outside writes ``hidden`` text or ``hidden_in`` values. Arguments that a person
approves are not touched: what was seen is what runs.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

HIDDEN: Final = "[hidden]"
SHORTEST: Final = 8
"""Characters of a value that is remembered as secret: a shorter one stands in too many harmless words."""

SECRET_NAME: Final = re.compile(
    r"passw|secret|token|authorization|cookie|api_?key|private|credential|dsn", re.IGNORECASE
)
"""In the name of a variable, or of a field of a log line."""
_FIELD: Final = re.compile(
    r"(?:.*_)?(?:password|passwd|passphrase|secret|secret_key|api_?key|apikey|access_key|private_key"
    r"|access_token|refresh_token|id_token|auth_token|session_token|authorization|cookie|credentials?|dsn)|token|pwd",
    re.IGNORECASE,
)
"""The whole name of a field in what a tool or a model answers; `next_page_token` is none."""
_TEXT: Final = re.compile(
    r"(?<=://)(?P<user>[^\s/@:]*):[^\s/@]+(?=@)"
    r"|(?<=Bearer )[A-Za-z0-9._~+/=-]{8,}|(?<=Basic )[A-Za-z0-9+/=]{12,}"
    r"|(?<=sk-)[A-Za-z0-9_-]{8,}|(?<=sk_live_)[A-Za-z0-9]{8,}|(?<=cs_[A-Za-z0-9]{8}_)[A-Za-z0-9]+"
    r"|(?<=whsec_)[A-Za-z0-9+/=]{16,}|(?<=gh[pousr]_)[A-Za-z0-9]{16,}|(?<=github_pat_)[A-Za-z0-9_]{16,}"
    r"|(?<=glpat-)[A-Za-z0-9_-]{16,}|(?<=xox[abeprs]-)[A-Za-z0-9-]{8,}|(?<=AKIA)[A-Z0-9]{16}|(?<=AIza)[A-Za-z0-9_-]{30,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?P<named>(?i:password|passwd|secret|api[_-]?key|access[_-]?token)[\"']?\s*[:=]\s*[\"']?)(?=[^\s\"',;&]*\d)"
    r"[^\s\"',;&]{8,}",
    re.DOTALL,
)
_PASSWORD_IN_ADDRESS: Final = re.compile(r"://[^\s/@:]*:([^\s/@]+)@")
_PLACE: Final = re.compile(r"(?:/[\w.-]+)+/?")
"""A file's: keys are given by their places, which are no secret."""

_known: re.Pattern[str] | None = None


def learn(environment: Mapping[str, str], *values: str) -> None:
    """Remember what this process was given and must never write down; what was learnt before is forgotten."""
    global _known
    found = set(values)
    for name, value in environment.items():
        if SECRET_NAME.search(name):
            found.add(value)
        found |= set(_PASSWORD_IN_ADDRESS.findall(value))
    kept = sorted((one for one in found if len(one) >= SHORTEST and not _PLACE.fullmatch(one)), key=len, reverse=True)
    _known = re.compile("|".join(map(re.escape, kept))) if kept else None


def hidden(text: str) -> str:
    """The text with HIDDEN in the place of whatever in it is secret."""
    if _known is not None:
        text = _known.sub(HIDDEN, text)
    return _TEXT.sub(_blank, text)


def hidden_in(value: Any) -> Any:
    """A value with every secret text in it hidden, and every text or number in a field whose name says secret."""
    if isinstance(value, str):
        return hidden(value)
    if isinstance(value, Mapping):
        return {key: _field(key, one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [hidden_in(one) for one in value]
    return value


def _field(key: object, value: Any) -> Any:
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    if plain and value != "" and isinstance(key, str) and _FIELD.fullmatch(key.replace("-", "_")):
        return HIDDEN
    return hidden_in(value)


def _blank(found: re.Match[str]) -> str:
    if found["user"]:
        return f"{found['user']}:{HIDDEN}"
    return f"{found['named'] or ''}{HIDDEN}"
