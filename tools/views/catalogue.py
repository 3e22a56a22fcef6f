"""What agents could do. Read-only: the dial is turned by a verb with a reason."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.pages import PersonRequest, only, page
from tools import listing
from tools.contract import Contract
from tools.killswitch import STOPPERS
from tools.kinds import Tier
from tools.models import Tool
from tools.wording import CLASSES, KINDS, REACH, TOUCHES

DAY, HOUR, MINUTE = 86_400, 3_600, 60


@dataclass(frozen=True)
class Offered:
    """A tool as the catalogue shows it: the organization's setting and the contract of the offered version."""

    tool: Tool
    contract: Contract | None

    @property
    def reach(self) -> str:
        """How deep the tool reaches, in words."""
        return REACH[Tier(self.tool.tier)]

    @property
    def touches(self) -> str:
        """What the tool touches that people care about most, in words."""
        return ", ".join(TOUCHES[c] for c in sorted(self.contract.categories)) if self.contract else ""

    @property
    def remembers(self) -> str:
        """For how long the tool recognises a repeat, in words; empty where it never does."""
        seconds = self.contract.idempotency.lifetime if self.contract else None
        if not seconds:
            return ""
        for unit, name in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")):
            if seconds % unit == 0 and seconds > unit:
                return f"{seconds // unit} {name}"
        return f"{seconds} s"

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
    def state(self) -> str:
        """Whether agents may use it, in words."""
        if self.tool.forbidden:
            return "Forbidden"
        if not self.tool.enabled:
            return "Off"
        return "Recommend only" if self.tool.recommend_only else "On"


def _kind(about: dict[str, Any]) -> str:
    """The kind of values that a schema takes, in words; null beside another kind only says that it may be left out."""
    told = about.get("type") or [one.get("type") for one in about.get("anyOf") or () if isinstance(one, dict)]
    names = [told] if isinstance(told, str) else [str(one) for one in told if one]
    kinds = [KINDS.get(name, name) for name in names if name != "null" or len(names) == 1]
    return " or ".join(dict.fromkeys(kinds)) or "Any"


def _offered(tool: Tool) -> Offered:
    return Offered(tool, Contract.from_json(tool.version.contract) if tool.version else None)


@require_GET
@page()
def tools(request: PersonRequest) -> HttpResponse:
    """The organization's catalogue."""
    only(request.GET)
    return render(
        request, "tools/tools.html", {"offered": [_offered(t) for t in listing.catalogue(request.organization.pk)]}
    )


@require_GET
@page()
def tool(request: PersonRequest, pk: uuid.UUID) -> HttpResponse:
    """One tool: its contract and how freely it acts."""
    only(request.GET)
    found = listing.catalogue(request.organization.pk).filter(pk=pk).first()
    if found is None:
        raise Http404
    return render(
        request, "tools/tool.html", {"offered": _offered(found), "may_stop": request.membership.has(*STOPPERS)}
    )
