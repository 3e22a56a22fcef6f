"""The frame around every page: where one can go, what waits there, what is stopped. It shows; the views check."""

import datetime as dt
from dataclasses import dataclass, field

from django import template
from django.http import HttpRequest
from django.template.context import RequestContext
from django.urls import reverse

from accounts.models import Membership
from accounts.roles import Role
from approvals.access import reviewable_tools
from approvals.models import Action
from approvals.states import ActionStatus
from tools.killswitch import STOPPERS
from tools.listing import engaged, stop_says

register = template.Library()
CAP = 99


@dataclass(frozen=True)
class Link:
    """A place to go."""

    name: str
    href: str
    icon: str
    current: str = ""
    count: str = ""
    urgent: bool = False
    lane: bool = False


@dataclass(frozen=True)
class Group:
    """Places that belong together."""

    name: str
    links: list[Link]


@dataclass(frozen=True)
class Stop:
    """A stop in force, as a sentence begins."""

    says: str
    at: dt.datetime


@dataclass(frozen=True)
class Shell:
    """All that the frame shows."""

    organization: str = ""
    groups: list[Group] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    may_stop: bool = False


def _capped(number: int) -> str:
    return f"{CAP}+" if number > CAP else str(number or "")


def _inbox(request: HttpRequest, membership: Membership) -> list[Link]:
    mine = Action.objects.within(membership.organization_id).reviewable_by(
        membership.user_id, reviewable_tools(membership)
    )
    waiting = mine.filter(status=ActionStatus.IN_REVIEW)[: CAP + 1].count()
    unknown = mine.filter(status=ActionStatus.UNCERTAIN)[: CAP + 1].count()
    home, at_home = reverse("inbox"), request.path == reverse("inbox")
    lane = request.GET.get("lane", "")
    here = "page" if at_home and lane not in ("unknown", "unroutable") else ""
    links = [Link("Inbox", home, "inbox", here, _capped(waiting))]
    if unknown or lane == "unknown":
        current = "page" if at_home and lane == "unknown" else ""
        links.append(Link("Unknown outcome", f"{home}?lane=unknown", "", current, _capped(unknown), True, True))
    return links


def _unroutable(request: HttpRequest, membership: Membership) -> list[Link]:
    """What waits for people who are not there: an administrator can mend that, so it is never out of sight."""
    waiting = Action.objects.within(membership.organization_id).unroutable()[: CAP + 1].count()
    here = request.path == reverse("inbox") and request.GET.get("lane") == "unroutable"
    if not waiting and not here:
        return []
    href = f"{reverse('inbox')}?lane=unroutable"
    return [Link("Nobody can decide", href, "users", "page" if here else "", _capped(waiting), urgent=True)]


@register.simple_tag(takes_context=True)
def shell(context: RequestContext) -> Shell:
    """The frame for whoever asks; empty for strangers."""
    request = context["request"]
    membership: Membership | None = getattr(request, "membership", None)
    if membership is None:
        return Shell()

    def link(name: str, url: str, icon: str) -> Link:
        href = reverse(url)
        return Link(name, href, icon, "page" if request.path.startswith(href) else "")

    work = _inbox(request, membership) if membership.has(Role.REVIEWER) else []
    if membership.has(Role.ADMINISTRATOR):
        work += _unroutable(request, membership)
    work.append(link("Runs", "runs", "route"))
    outbox = link("Outbox", "outbox", "send")
    tools = link("Tools", "tools", "wrench")
    if outbox.current:
        tools = Link(tools.name, tools.href, tools.icon)
    groups = [Group("", work), Group("Govern", [tools, outbox])]
    if membership.has(Role.AUDITOR):
        groups.append(Group("Remember", [link("Audit", "audit", "scroll-text")]))
    stops = [Stop(stop_says(stop), stop.armed_at) for stop in engaged(membership.organization_id)[:9]]
    return Shell(membership.organization.name, groups, stops, membership.has(*STOPPERS))
