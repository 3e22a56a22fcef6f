"""The sentence that a reviewer reads, made from the arguments by our own template; an agent's words never enter it.

A template names fields in braces, `{to}` or `{address.city}`, and nothing else: no formats, no attributes, no code. The
inserted values are not read again, so an argument that says `{amount}` stays text. Pure.
"""

import re
from collections.abc import Collection, Iterator, Mapping

from tools.text import display
from tools.wording import grouped
from traces.canonical import JSON, canonical

FIELD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)\}")
NOT_GIVEN = "(not given)"
SECRET = "(secret)"  # noqa: S105 - the word shown in a secret's place
MOST_LISTED = 5


def summarise(
    template: str,
    arguments: Mapping[str, JSON],
    *,
    secret: Collection[str] = (),
    amounts: Collection[str] = (),
    limit: int = 120,
) -> str:
    """The template with each field's value, on one line; a value longer than `limit` characters is cut and counted.

    `amounts` are the fields that say how much money moves: their digits stand in threes.
    """

    def value_of(match: re.Match[str]) -> str:
        path = match.group(1)
        if path in secret or path.split(".")[0] in secret:
            return SECRET
        found: JSON = arguments
        for part in path.split("."):
            if not isinstance(found, Mapping) or part not in found:
                return NOT_GIVEN
            found = found[part]
        text = shown(found, limit, secret=bool(secret) and isinstance(found, Mapping))
        return grouped(text) if path in amounts else text

    return FIELD.sub(value_of, template)


def shown(value: JSON, limit: int = 120, *, secret: bool = False) -> str:
    """One value on one line: text as it is with odd characters visible, numbers without any locale."""
    if value is None or value == []:
        return "(none)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return display(value, one_line=True, limit=limit) if value.strip() else "(empty)"
    if isinstance(value, list):
        listed = ", ".join(shown(item, limit, secret=secret) for item in value[:MOST_LISTED])
        return listed if len(value) <= MOST_LISTED else f"{listed} and {len(value) - MOST_LISTED} more"
    if isinstance(value, dict) and secret:
        return f"({len(value)} fields)"
    return display(canonical(value).decode(), one_line=True, limit=limit)


def fields(template: str) -> Iterator[str]:
    """The fields that a template names, in order."""
    return (match.group(1) for match in FIELD.finditer(template))


def stray_braces(template: str) -> bool:
    """Whether a template holds a brace that does not belong to a field."""
    rest = FIELD.sub("", template)
    return "{" in rest or "}" in rest
