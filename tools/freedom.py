"""What can be set about a tool, which setting is freer than another, and when a second person has to agree. Pure.

The database says the same in ``tools_dial_freer`` and ``tools_dial_grave`` (migration ``0014_dial``), and has the last
word; this is asked first, so that people are told what is missing instead of being refused.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from tools.contract import Contract
from tools.kinds import Category, Maturity, Tier

Settings = Mapping[str, Any]
"""All of a tool's settings by name, as JSON: `SETTINGS` and nothing else."""

SETTINGS: Final = (
    "tier", "maturity", "veto_seconds", "enabled", "forbidden", "recommend_only", "lifted", "owner",
)  # fmt: skip
WORDS: Final = {
    "tier": "Reach",
    "maturity": "How freely it acts",
    "veto_seconds": "Veto window",
    "enabled": "In use",
    "forbidden": "Forbidden",
    "recommend_only": "Recommend only",
    "lifted": "Categories lifted",
    "owner": "Owner",
}
"""What each setting is called on pages."""
GRAVE: Final = frozenset(
    {Category.MONEY, Category.DELETION, Category.LEGAL, Category.ACCESS_RIGHTS, Category.HIGH_STAKES}
)
"""Categories in which one wrong write is hard to make good: two people make such a tool freer."""
LONGEST_VETO: Final = 7 * 86_400
"""Seconds; a longer window is a queue that nobody watches."""
_FREEDOM: Final = tuple(Maturity)


def of(tool: Any) -> dict[str, Any]:
    """The settings of a tool's row."""
    found = {name: getattr(tool, name) for name in SETTINGS if name != "owner"}
    return {**found, "owner": str(tool.owner_id) if tool.owner_id else None}


def maturity_rank(maturity: str) -> int:
    """0 in the loop, 1 on the loop, 2 audit only."""
    return _FREEDOM.index(Maturity(maturity))


def freer(before: Settings, after: Settings) -> list[str]:
    """Which settings let the tool do more, or with less asking, than before. Empty for a change that only narrows."""
    said = {
        "tier": Tier(after["tier"]) < Tier(before["tier"]),
        "maturity": maturity_rank(after["maturity"]) > maturity_rank(before["maturity"]),
        "veto_seconds": before["maturity"] == after["maturity"] == Maturity.ON_THE_LOOP.value
        and after["veto_seconds"] < before["veto_seconds"],
        "enabled": after["enabled"] and not before["enabled"],
        "forbidden": before["forbidden"] and not after["forbidden"],
        "recommend_only": before["recommend_only"] and not after["recommend_only"],
        "lifted": any(_lifts_more(before["lifted"].get(name), entry) for name, entry in after["lifted"].items()),
    }
    return [name for name, yes in said.items() if yes]


def _lifts_more(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> bool:
    if before is None:
        return True
    old, new = before.get("limit"), after.get("limit")
    if new is None:
        return old is not None
    return old is not None and Decimal(new) > Decimal(old)


def grave(tier: str, contract: Contract | None) -> bool:
    """Whether a second person has to agree before this tool becomes freer: by its declared categories and tiers."""
    if contract is None:
        return True
    if max(Tier(tier), contract.tier) >= Tier.DELETE:
        return True
    return max(Tier(tier), contract.tier) > Tier.READ and not GRAVE.isdisjoint(contract.categories)


def differences(before: Settings, after: Settings) -> dict[str, tuple[Any, Any]]:
    """What a change changes: setting to old and new value."""
    return {name: (before[name], after[name]) for name in SETTINGS if before[name] != after[name]}


def problem_of(after: Settings, contract: Contract | None) -> tuple[str, str] | None:
    """The first setting that cannot be so, and why; None where all can. Says nothing of whether they may."""
    return next(_problems(after, contract), None)


def _problems(after: Settings, contract: Contract | None) -> Iterator[tuple[str, str]]:
    if after["tier"] not in set(Tier):
        yield "tier", f"there is no {after['tier']}"
    if after["maturity"] not in set(Maturity):
        yield "maturity", f"there is no {after['maturity']}"
    seconds = after["veto_seconds"]
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds <= LONGEST_VETO:
        yield "veto_seconds", f"a whole number of seconds, {LONGEST_VETO} at the most"
    for name in ("enabled", "forbidden", "recommend_only"):
        if not isinstance(after[name], bool):
            yield name, "yes or no"
    known = {category.value for category in contract.categories} if contract else set()
    for category, entry in after["lifted"].items():
        if category not in known:
            yield "lifted", f"the tool does not declare {category}"
        if not str(entry.get("reason", "")).strip():
            yield "lifted", f"say why {category} needs no person"
        if category == Category.MONEY and entry.get("limit") is None:
            yield "lifted", "money is lifted up to an amount; say which"
        if entry.get("limit") is not None and not _is_amount(entry["limit"]):
            yield "lifted", "the limit is an amount, such as 200 or 99.50"


def _is_amount(value: Any) -> bool:
    try:
        return isinstance(value, str) and Decimal(value).is_finite() and Decimal(value) >= 0 and len(value) <= 24
    except InvalidOperation:
        return False
