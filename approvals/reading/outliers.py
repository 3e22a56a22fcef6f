"""Which of several like values stands out from the others, and why, in a sentence. Pure.

It compares what stands in one table and nothing else: what was usual before is ``approvals.reading.past``. A value that
stands out is no finding of the policy; it is a reason to look at its row by itself.
"""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from statistics import median
from typing import Final

FEW: Final = 3
"""Values below which nothing can stand out."""
ENOUGH: Final = 5
"""Values from which their spread says something."""
SPREADS: Final = 5
"""How many median deviations from the middle are far."""
TIMES: Final = 2
"""How many times the middle, or which part of it, is far where the spread says so too."""
FAR: Final = 3
"""The same where the values are too few, or too equal, to have a spread."""
MOST_SHARE: Final = Decimal("0.6")
"""The share of the values that a common one has."""
RARE: Final = 10
"""A value is rare that has at most one in so many, or stands once."""
LONG: Final = 120
"""Characters up to which no text is far longer than another."""


def far_numbers(values: Sequence[str | None], unit: str = "") -> dict[int, str]:
    """The places of numbers that are far from the middle of all of them, each with the reason.

    Empty where not all of them are numbers, or where they are too few."""
    numbers = [_number(value) for value in values]
    known = [one for one in numbers if one is not None]
    if len(known) < FEW or len(known) != len(values):
        return {}
    middle = median(known)
    if middle <= 0:
        return {}
    spread = median(abs(one - middle) for one in known)
    said = f"{_plain(middle)}{f' {unit}' if unit else ''}"
    found = {}
    for place, one in enumerate(known):
        spreads = len(known) >= ENOUGH and spread > 0
        if spreads and abs(one - middle) <= SPREADS * spread:
            continue
        times = TIMES if spreads else FAR
        if one >= middle * times:
            found[place] = f"{_plain((one / middle).quantize(Decimal('0.1')))} times the middle of these, {said}"
        elif one * times <= middle:
            found[place] = f"Far below the middle of these, {said}"
    return found


def rare_values(values: Sequence[str | None], *, what: str = "") -> dict[int, str]:
    """The places of values that hardly any other has, where one value is common. ``what`` says what they are of.

    Numbers are not values of this kind: how far apart they are says more."""
    counted = Counter(value for value in values if value is not None)
    if len(values) <= FEW or not counted or all(_number(value) is not None for value in counted):
        return {}
    common, most = counted.most_common(1)[0]
    if most < len(values) * MOST_SHARE or most <= 1:
        return {}
    rare = max(1, len(values) // RARE)
    return {
        place: f"{_one(counted[value])} with {what}“{_cut(value)}”; {most} have “{_cut(common)}”"
        for place, value in enumerate(values)
        if value is not None and value != common and counted[value] <= rare
    }


def rare_hosts(values: Sequence[str | None]) -> dict[int, str]:
    """The places of addresses at a host at which hardly any other is, where most are at one."""
    hosts = [_host(value) for value in values]
    if sum(host is not None for host in hosts) < FEW:
        return {}
    counted = Counter(host for host in hosts if host is not None)
    common, most = counted.most_common(1)[0]
    if most < len(values) * MOST_SHARE or most <= 1:
        return {}
    rare = max(1, len(values) // RARE)
    return {
        place: f"{_one(counted[host])} at {_cut(host)}; {most} are at {_cut(common)}"
        for place, host in enumerate(hosts)
        if host is not None and host != common and counted[host] <= rare
    }


def long_texts(values: Sequence[str | None]) -> dict[int, str]:
    """The places of texts that are far longer than the others."""
    lengths = [len(value or "") for value in values]
    if len(lengths) < FEW:
        return {}
    middle = median(lengths)
    return {
        place: f"Far longer than the others: {length} characters"
        for place, length in enumerate(lengths)
        if length > LONG and length > FAR * middle
    }


def repeated(rows: Sequence[str]) -> dict[int, int]:
    """The places of rows that an earlier one is the same as, each with that one's place."""
    seen: dict[str, int] = {}
    found = {}
    for place, row in enumerate(rows):
        if row in seen:
            found[place] = seen[row]
        else:
            seen[row] = place
    return found


def _number(value: str | None) -> Decimal | None:
    try:
        found = Decimal(value) if value and len(value) <= 40 else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def _plain(number: Decimal) -> str:
    return f"{number:f}".removesuffix(".0")


def _host(value: str | None) -> str | None:
    name, at, host = (value or "").rpartition("@")
    return host.strip(" >").lower() if at and name and "." in host and " " not in host.strip(" >") else None


def _one(number: int) -> str:
    return "The only one" if number == 1 else f"One of {number}"


def _cut(value: str) -> str:
    return value if len(value) <= 40 else f"{value[:38]}…"
