"""What a call would do, in a few figures and as before and after. Made from the contract, the facts and the preview."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from approvals.models import Revision
from approvals.reading.foreseen import Foreseen
from approvals.reading.inverses import Proof
from approvals.reading.shown import Argument
from tools.contract import Contract
from tools.kinds import Category, Tier
from tools.wording import REACH, grouped

MOST_NAMED: Final = 3
"""Recipients who are named; more are counted, and each stands among the arguments."""
_AMOUNT: Final = re.compile(r"^(-?\d{1,15}(?:\.\d{1,6})?)(?: ([A-Z]{3}))?$")


@dataclass(frozen=True)
class Figure:
    """One thing to know of an effect at a glance."""

    label: str
    value: str
    note: str = ""
    money: bool = False


@dataclass(frozen=True)
class Changing:
    """One row of before and after, with how much it is where both are amounts."""

    label: str
    before: str
    after: str
    delta: str = ""
    money: bool = False


def changing(rows: Iterable[Mapping[str, Any]]) -> list[Changing]:
    """Before and after of everything that the tool said would change."""
    found = []
    for row in rows:
        delta, money = _delta(str(row["before"]), str(row["after"]))
        before, after = (grouped(str(row[when])) if money else str(row[when]) for when in ("before", "after"))
        found.append(Changing(str(row["label"]), before, after, delta, money))
    return found


def _delta(before: str, after: str) -> tuple[str, bool]:
    """The difference of two amounts of the same unit, with its sign; empty where there is none."""
    was, now = _AMOUNT.match(before), _AMOUNT.match(after)
    if was is None or now is None or was[2] != now[2]:
        return "", False
    by = Decimal(now[1]) - Decimal(was[1])
    return (f"{'+' if by > 0 else '−'}{_told(abs(by), money=bool(was[2]))}" if by else "", bool(was[2]))


def _told(number: Decimal, *, money: bool) -> str:
    return grouped(f"{number:f}") if money else f"{number:f}"


def figures(
    revision: Revision, contract: Contract | None, shown: list[Argument], told: Foreseen | None, proof: Proof | None
) -> list[Figure]:
    """Money, whom it reaches, how many records, how deep, and whether and how it can be taken back."""
    if contract is None:
        return [Figure("Kind", "Unknown tool")]
    found = [*_money(revision, contract, told), *_reached(contract, shown)]
    if told is not None and told.affected is not None:
        found.append(Figure("Records it touches", str(told.affected)))
    found.append(Figure("Kind", REACH[contract.tier]))
    return [*found, _reversible(contract, proof)]


def _money(revision: Revision, contract: Contract, told: Foreseen | None) -> list[Figure]:
    """The amount that the arguments name; else the one amount of money that the tool itself says would change."""
    tool = json.loads(revision.facts).get("tool") or {}
    if tool.get("amount"):
        return [Figure("Money", grouped(f"{tool['amount']} {tool.get('currency') or ''}".strip()), money=True)]
    if Category.MONEY not in contract.categories:
        return []
    rows = [row for row in changing(told.changes if told else ()) if row.money and row.delta]
    moved = {f"{row.delta[1:]} {row.after.rpartition(' ')[2]}" for row in rows}
    if len(moved) != 1:  # what is more here is less there: the same money, told twice
        return [Figure("Money", "Not told", "The tool does not say how much")]
    return [Figure("Money", moved.pop(), money=True)]


def _reached(contract: Contract, shown: list[Argument]) -> list[Figure]:
    named = [a for a in shown if a.path.split("[", 1)[0] in contract.recipient_fields and not a.masked]
    if len(named) > MOST_NAMED:
        return [Figure("Reaches", f"{len(named)} recipients", "Each is listed below")]
    return [Figure("Reaches", a.text, "Look twice: see the arguments" if a.remarks else "") for a in named]


def _reversible(contract: Contract, proof: Proof | None) -> Figure:
    """Whether it can be taken back, by what, and until when: a contract states no end, so there is none to state."""
    if contract.tier is Tier.READ:
        return Figure("Reversible", "Nothing to undo")
    if not contract.reversible:
        return Figure("Reversible", "No", "Nothing takes it back")
    if contract.inverse is None:
        return Figure("Reversible", "Only by hand", "No tool takes it back")
    proven = f"last proven {proof.at:%-d %b %Y}" if proof else "never proven here"
    return Figure("Reversible", "Yes", f"By {contract.inverse}, no end stated; {proven}")
