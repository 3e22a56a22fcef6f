"""What a person writes into the form of a grant, read strictly into bounds around the example. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from approvals.policy import Facts
from approvals.policy.grants import Bound, Bounds
from approvals.policy.values import MISSING, amount_problem, number
from traces.canonical import JSON

MOST_LISTED: Final = 50
"""Values that one argument may be one of."""


@dataclass(frozen=True)
class Asked:
    """How somebody bounds one argument."""

    bounds: str
    value: str = ""
    """The largest number, or the values, one a line."""
    on_purpose: bool = False
    """Whether "anything" was ticked for itself."""


def bounds_of(
    schema: Mapping[str, Any],
    arguments: Mapping[str, Any],
    asked: Mapping[str, Asked],
    *,
    secret: frozenset[str],
    errors: dict[str, str],
) -> tuple[Bound, ...]:
    """A bound for every argument that the tool knows. What is wrong goes into ``errors``, by argument.

    An argument that is not spoken of is as in the example: equal, or absent. A secret one always is.
    """
    names = names_of(schema, arguments)
    for name in sorted(set(asked) - set(names)):
        errors[name] = "There is no such argument."
    found = []
    for name in names:
        value = arguments.get(name, MISSING)
        as_shown = Asked(Bounds.ABSENT if value is MISSING else Bounds.EQUALS)
        try:
            found.append(_bound(name, value, asked.get(name, as_shown), secret=name in secret))
        except ValueError as error:
            errors[name] = str(error)
    return tuple(found)


def names_of(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> list[str]:
    """Every argument that the schema names or the example has, in the schema's order."""
    return list(dict.fromkeys([*schema.get("properties", {}), *arguments]))


def _bound(name: str, value: Any, asked: Asked, *, secret: bool) -> Bound:
    """Raises ValueError, saying what is wrong, also where the example itself would lie outside."""
    here = value is not MISSING and value is not None
    try:
        kind = Bounds(asked.bounds)
    except ValueError:
        raise ValueError("Say how this argument is bounded.") from None
    if secret and kind not in {Bounds.EQUALS, Bounds.ABSENT}:
        raise ValueError("A secret value stays as it is.")
    if kind is Bounds.ANYTHING and not asked.on_purpose:
        raise ValueError("Tick that anything is meant.")
    bound = Bound(name, kind, _value(kind, value if here else None, asked.value))
    if not bound.holds(value):
        raise ValueError("The call that is shown would lie outside.")
    return bound


def _value(kind: Bounds, example: Any, text: str) -> JSON:
    if kind is Bounds.EQUALS:
        return example  # as it was shown, never as it was typed
    if kind is Bounds.AT_MOST:
        most = number(text.strip())
        if most is None or amount_problem(text.strip()):
            raise ValueError("The largest number, such as 50.00.")
        return f"{most:f}"
    if kind is Bounds.ONE_OF:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if not 1 <= len(lines) <= MOST_LISTED:
            raise ValueError(f"One value a line, {MOST_LISTED} at most.")
        return [_typed(line, example) for line in lines]
    return None


def _typed(line: str, example: Any) -> JSON:
    """A line as a value of the example's kind."""
    if isinstance(example, str):
        return line
    try:
        read: JSON = json.loads(line, parse_constant=lambda _: None)
    except ValueError:
        raise ValueError(f"{line[:40]} is not a value of this argument.") from None
    if isinstance(read, (dict, list)) or read is None:
        raise ValueError("Only texts, numbers, true and false can be listed.")
    return read


def total_of(facts: Facts, text: str, errors: dict[str, str]) -> Decimal | None:
    """The most that all calls may move together; None where the tool moves no money."""
    tool = facts.tool
    if tool is None or tool.amount is None:
        if text.strip():
            errors["total"] = "This call moves no amount that could be counted."
        return None
    most = number(text.strip())
    if most is None or most <= 0 or amount_problem(text.strip()):
        errors["total"] = f"The most that all calls together may move, in {tool.currency or 'the tool’s currency'}."
        return None
    if not tool.currency:
        errors["total"] = "The currency of this call is not known."
    return most
