"""What narrows the list: five words that the address may carry, each compared with one column and never a lookup."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.http import QueryDict

from accounts.models import Agent, User
from accounts.pages import only
from approvals.queries import ActionQuerySet
from approvals.reading.lanes import LANES
from tools.contract import Risk
from tools.models import Tool
from traces.text import storable

FILTERS: Final = ("tool", "agent", "initiator", "risk", "maturity")
FIELDS: Final = ("lane", *FILTERS, "from", "words", "open", "card")
"""What the address of a list, or of a card beside it, may carry."""
LONGEST: Final = 200
CHOICES: Final = {"risk": frozenset(Risk), "maturity": frozenset(Tool.MaturityLevel.values)}


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to; each empty where it is not."""

    tool: str = ""
    agent: str = ""
    initiator: str = ""
    risk: str = ""
    maturity: str = ""

    @property
    def chosen(self) -> dict[str, str]:
        """Those that narrow anything."""
        return {name: value for name, value in asdict(self).items() if value}

    def narrowed(self, lists: Mapping[str, ActionQuerySet]) -> dict[str, ActionQuerySet]:
        """Of each of these lists the rows that meet all of them. A name that nobody has leaves none.

        Whose name it is is asked beforehand: rows are then looked for by who that is, and for nobody not at all.
        """
        columns = {"tool": "tool_name"}
        asked: dict[str, Any] = {columns.get(name, name): value for name, value in self.chosen.items()}
        if self.agent:
            asked["agent__in"] = list(Agent.objects.filter(name=asked.pop("agent")))
        if self.initiator:
            asked["initiator__in"] = list(User.objects.filter(username=asked.pop("initiator")))
        return {part: rows.filter(**asked) for part, rows in lists.items()}


@dataclass(frozen=True)
class View:
    """What an address of the inbox names: a lane and what narrows it."""

    lane: str
    filters: Filters

    def query(self, *, lane: str | None = None, without: str = "", **more: str) -> str:
        """The address's query: the same view, or in another lane, or without one of its filters."""
        lane = self.lane if lane is None else lane
        kept = {name: value for name, value in self.filters.chosen.items() if name != without}
        said = {**({"lane": lane} if lane != "waiting" else {}), **kept, **{k: v for k, v in more.items() if v}}
        return urlencode(said)


def view_of(fields: dict[str, str]) -> View:
    """The view that these fields name. Raises ``BadRequest`` for a lane or a choice that there is not."""
    lane = fields["lane"] or "waiting"
    if lane not in LANES:
        raise BadRequest("There is no such lane.")
    for name in FILTERS:
        value = fields[name]
        if value and (len(value) > LONGEST or storable(value) != value or value not in CHOICES.get(name, {value})):
            raise BadRequest(f"Nothing is found by this {name}.")
    return View(lane, Filters(**{name: fields[name] for name in FILTERS}))


def kept_view(query: str) -> View:
    """The view that a query names, as a person keeps it. Raises ``BadRequest`` for any other field."""
    return view_of(only(QueryDict(query), "lane", *FILTERS))
