"""Values inside arguments, and numbers as decimals: exact, and never by way of a binary fraction."""

import re
from collections.abc import Iterator
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any

from tools.text import display
from traces.canonical import JSON, canonical

EXACT = Context(prec=60)
"""Arithmetic on amounts: wide enough that no sum of amounts is ever rounded."""

MOST_WHOLE, MOST_FRACTION = 20, 18
"""How many digits an amount may have before and after the point."""

LONGEST_NUMBER = 80
"""Characters of a number; what is longer is text, and cannot be compared."""

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,4})?\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")


class Missing:
    """What stands in for an argument that is not there."""

    def __repr__(self) -> str:
        return "missing"


MISSING = Missing()


def values_at(arguments: JSON, path: str) -> Iterator[Any]:
    """Every value at a dotted path, lists taken apart on the way; MISSING where there is none, or only null."""
    name, _, rest = path.partition(".")
    if not name:
        if isinstance(arguments, list) and arguments:
            for inner in arguments:
                yield from values_at(inner, "")
        else:
            yield MISSING if arguments is None or arguments == [] else arguments
    elif isinstance(arguments, dict) and name in arguments:
        yield from values_at(arguments[name], rest)
    elif isinstance(arguments, list) and arguments:
        for inner in arguments:
            yield from values_at(inner, path)
    else:
        yield MISSING


def number(value: object) -> Decimal | None:
    """A JSON number, or text that looks like one, as a decimal; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    text = value if isinstance(value, str) else repr(value)
    return _decimal(text) if len(text) <= LONGEST_NUMBER else None


@lru_cache(maxsize=4_096)
def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.match(text) else None


def shown(value: JSON, *, limit: int | None = None) -> str:
    """A value as a reader sees it: text as it is, everything else as JSON; with a limit, odd characters visible."""
    text = value if isinstance(value, str) else canonical(value).decode()
    return text if limit is None else display(text, one_line=True, limit=limit)


def amount_in(arguments: JSON, path: str) -> str | None:
    """The amount at a path as plain decimal text; None where there is none.

    What cannot be an amount is returned as it was written, for `amount_problem` to name.
    """
    if not path:
        return None
    found = list(values_at(arguments, path))
    if len(found) != 1:
        return f"{len(found)} values"
    if found[0] is MISSING:
        return None
    exact = number(found[0])
    if exact is None:
        return shown(found[0])
    return format(exact, "f")


def currency_in(arguments: JSON, fixed: str, path: str) -> str:
    """The currency of a call, as its tool fixes it or an argument names it; empty where nobody can tell."""
    if not path:
        return fixed
    found = list(values_at(arguments, path))
    named = found[0].upper() if len(found) == 1 and isinstance(found[0], str) else ""
    return named if _CURRENCY.match(named) else ""


def amount_problem(amount: str) -> str:
    """Why this text is no amount that can be counted; empty where it is one."""
    return _problem(amount) if len(amount) <= LONGEST_NUMBER else "is not a decimal number"


@lru_cache(maxsize=4_096)
def _problem(amount: str) -> str:
    exact = number(amount)
    if exact is None:
        return "is not a decimal number"
    if exact < 0:
        return "is less than nothing"
    _, digits, exponent = exact.as_tuple()
    if not isinstance(exponent, int) or -exponent > MOST_FRACTION or len(digits) + exponent > MOST_WHOLE:
        return f"has more than {MOST_WHOLE} digits before or {MOST_FRACTION} after the point"
    return ""
