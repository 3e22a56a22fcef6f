"""Tools as pages show them: setting, contract, readiness, evidence and history in words. Reads only."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from accounts.models import User
from tools import listing
from tools.changes import BECAUSE, DialChange
from tools.contract import Contract
from tools.evidence import NONE, Evidence, evidence
from tools.freedom import WORDS, differences, grave
from tools.freedom import of as settings_of
from tools.kinds import Category, Maturity, Tier
from tools.models import Tool
from tools.readiness import Readiness, contract_of, readiness, subject_of
from tools.wording import CLASSES, KINDS, REACH, TOUCHES, span

USUAL_VETO: Final = 30
"""Seconds that a form suggests."""
MATURITIES: Final = {
    Maturity.IN_THE_LOOP.value: ("In the loop", "circle-dot", "A person approves each call before it runs."),
    Maturity.ON_THE_LOOP.value: (
        "On the loop",
        "contrast",
        "Runs after a veto window. Any reviewer can hold or veto it while it waits.",
    ),
    Maturity.AUDIT_ONLY.value: ("Audit only", "circle-dashed", "Runs at once. A sample of finished calls is audited."),
}
"""Maturity to name, icon, and what it means, said before it is chosen."""
STATES: Final = {
    "on": ("On", {"enabled": True, "forbidden": False, "recommend_only": False}),
    "recommend_only": ("Recommend only", {"enabled": True, "forbidden": False, "recommend_only": True}),
    "off": ("Off", {"enabled": False, "forbidden": False, "recommend_only": False}),
    "forbidden": ("Forbidden", {"forbidden": True}),
}
"""Whether agents may use a tool, as one choice, and the settings that it means."""


@dataclass(frozen=True)
class Offered:
    """A tool as pages show it: the organization's setting, the contract on offer, what is known of it."""

    tool: Tool
    contract: Contract | None
    readiness: Readiness | None = None
    evidence: Evidence = NONE

    @property
    def reach(self) -> str:
        """How deep the tool reaches, in words."""
        return REACH[Tier(self.tool.tier)]

    @property
    def touches(self) -> list[str]:
        """What the tool touches that people care about most, in words."""
        return [TOUCHES[c] for c in sorted(self.contract.categories)] if self.contract else []

    @property
    def lifted(self) -> list[tuple[str, str, str, str]]:
        """Each declared category: its word, name, why it is lifted (empty where it is not), and up to what amount."""
        found = []
        for category in sorted(self.contract.categories) if self.contract else ():
            entry = self.tool.lifted.get(category.value) or {}
            found.append((category.value, TOUCHES[category], entry.get("reason", ""), entry.get("limit") or ""))
        return found

    @property
    def remembers(self) -> str:
        """For how long the tool recognises a repeat, in words; empty where it never does."""
        seconds = self.contract.idempotency.lifetime if self.contract else None
        return span(seconds) if seconds else ""

    @property
    def arguments(self) -> list[tuple[str, str, str]]:
        """Name, kind and meaning of each argument."""
        properties = listing.declared_schema(self.contract).get("properties") or {} if self.contract else {}
        return [
            (name, _kind(about), str(about.get("description") or about.get("title") or ""))
            for name, about in properties.items()
        ]

    @property
    def after_a_crash(self) -> str:
        """What can be known about a call whose answer was lost."""
        return CLASSES[self.contract.idempotency.kind] if self.contract else "Unknown"

    @property
    def made_by(self) -> str:
        """Whose word the contract is, and so who alone can change what it promises."""
        if self.contract is None:
            return "No version is on offer, so nobody has promised anything."
        if self.contract.connector == "http":
            server = self.contract.binding.get("server", "the service")
            return (
                f"These are promises of the service at {server}. Nobody can add one here: whoever runs the service"
                " writes it into its OpenAPI document, and then the document is imported again."
            )
        return (
            "These are promises of the tool's own program. Nobody can add one here: whoever writes the program does,"
            " and it is on offer with the program's next version."
        )

    @property
    def grave(self) -> bool:
        """Whether a second person has to agree before it becomes freer."""
        return grave(self.tool.tier, self.contract)

    @property
    def state(self) -> str:
        """Whether agents may use it: a word of STATES."""
        if self.tool.forbidden:
            return "forbidden"
        if not self.tool.enabled:
            return "off"
        return "recommend_only" if self.tool.recommend_only else "on"

    @property
    def state_word(self) -> str:
        """The same as people read it."""
        return STATES[self.state][0]

    @property
    def freedom(self) -> str:
        """How freely it acts, in words, with the veto window where it has one."""
        word = MATURITIES[self.tool.maturity][0]
        return f"{word}, {self.tool.veto_seconds} s" if self.tool.maturity == Maturity.ON_THE_LOOP else word

    def said(self, key: str) -> str:
        """What the readiness list found for one condition; empty where it is not met."""
        items = self.readiness.items if self.readiness else ()
        return next((item.evidence for item in items if item.key == key and item.met), "")

    @property
    def limits(self) -> str:
        """The limits that cover all its calls, in words."""
        return self.said("limits")

    @property
    def approvers(self) -> str:
        """Who may review it, in words."""
        return self.said("approvers")


@dataclass(frozen=True)
class Change:
    """A change of the dial as the history shows it."""

    row: DialChange
    lines: list[tuple[str, str, str]]
    """What changed, from, to."""

    @property
    def who(self) -> str:
        """Whose hand it was."""
        if self.row.kind == DialChange.Kind.PERSON and self.row.by:
            second = f", agreed to by {self.row.second.username}" if self.row.second else ""
            return f"{self.row.by.username}{second}"
        return "By itself" if self.row.kind == DialChange.Kind.AUTOMATIC else "Setup"

    @property
    def because(self) -> str:
        """Why it happened by itself; empty for what people did."""
        return BECAUSE.get(self.row.because, "")


@dataclass(frozen=True)
class Segment:
    """One of the dial's three stops, and what stands in the way of it."""

    value: str
    name: str
    icon: str
    text: str
    current: bool
    missing: list[str] = field(default_factory=list)
    second: bool = False


def offered(organization: uuid.UUID, tools: Sequence[Tool]) -> list[Offered]:
    """These tools with readiness and evidence, in as many queries as for one."""
    found = [(tool, contract_of(tool)) for tool in tools]
    lists = readiness(organization, [subject_of(tool, _as_it_might_be(tool)) for tool in tools])
    known = evidence(organization, [tool.pk for tool in tools])
    return [Offered(tool, contract, lists[tool.pk], known.get(tool.pk, NONE)) for tool, contract in found]


def _as_it_might_be(tool: Tool) -> dict[str, Any]:
    """The settings for which a list is read: on the loop where it is in the loop now, since that is the next stop."""
    now = settings_of(tool)
    if now["maturity"] == Maturity.IN_THE_LOOP:
        now["maturity"] = Maturity.ON_THE_LOOP.value
        now["veto_seconds"] = now["veto_seconds"] or USUAL_VETO
    return now


def segments(one: Offered) -> list[Segment]:
    """The dial's stops with what is missing for each; lowering lacks nothing."""
    order = list(MATURITIES)
    now = order.index(one.tool.maturity)
    found = []
    for place, (value, (name, icon, text)) in enumerate(MATURITIES.items()):
        up = place > now
        missing = [i.name for i in one.readiness.missing(value)] if up and one.readiness else []
        found.append(Segment(value, name, icon, text, place == now, missing, up and one.grave))
    return found


def lines_of(
    before: Mapping[str, Any], after: Mapping[str, Any], people: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """The differences of two settings in words: what, from, to."""
    return [
        (WORDS[name], in_words(name, old, people), in_words(name, new, people))
        for name, (old, new) in differences(before, after).items()
    ]


def in_words(name: str, value: Any, people: Mapping[str, str]) -> str:
    """One setting as people read it; owners' names come from ``people``."""
    if name == "tier":
        return REACH[Tier(value)]
    if name == "maturity":
        return MATURITIES[value][0]
    if name == "veto_seconds":
        return f"{value} s"
    if name == "owner":
        return people.get(value, "somebody") if value else "nobody"
    if name == "lifted":
        return "; ".join(_lifted(category, entry) for category, entry in sorted(value.items())) or "none"
    return "yes" if value else "no"


def _lifted(category: str, entry: Mapping[str, Any]) -> str:
    upto = f" up to {entry['limit']}" if entry.get("limit") else ""
    return f"{TOUCHES[Category(category)]}{upto} ({entry['reason']})"


def names_in(*settings: Mapping[str, Any]) -> dict[str, str]:
    """The names of the owners that these settings name. One query."""
    asked = {one["owner"] for one in settings if one["owner"]}
    return {str(pk): name for pk, name in User.objects.filter(pk__in=asked).values_list("pk", "username")}


def history(tool: Tool, most: int) -> list[Change]:
    """A tool's newest changes, newest first, in words."""
    rows = list(
        DialChange.objects.filter(tool=tool).select_related("by", "second", "version").order_by("-number")[:most]
    )
    people = names_in(*(row.before for row in rows), *(row.after for row in rows))
    return [Change(row, lines_of(row.before, row.after, people)) for row in rows]


def since(tool: Tool, changes: Sequence[Change]) -> tuple[datetime, str]:
    """Since when the dial stands where it stands, and whose hand that was."""
    for change in changes:
        if change.row.before["maturity"] != change.row.after["maturity"]:
            return change.row.at, change.who
    return tool.created, "as every tool begins"


def _kind(about: dict[str, Any]) -> str:
    """The kind of values that a schema takes, in words; null beside another kind only says that it may be left out."""
    told = about.get("type") or [one.get("type") for one in about.get("anyOf") or () if isinstance(one, dict)]
    names = [told] if isinstance(told, str) else [str(one) for one in told if one]
    kinds = [KINDS.get(name, name) for name in names if name != "null" or len(names) == 1]
    return " or ".join(dict.fromkeys(kinds)) or "Any"
