"""The frame around every page: where one can go, what waits there, what is stopped. It shows; the views check."""

import datetime as dt
from dataclasses import dataclass, field

from django import template
from django.http import HttpRequest, QueryDict
from django.template.context import RequestContext
from django.urls import reverse

from accounts.models import Membership
from accounts.roles import Role
from approvals.models import Action, SavedView
from approvals.reading.lanes import LANES, OWN, Viewer, counts
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
    kept: bool = False
    """Whether it is a view that the person keeps."""


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
    liftable: bool = False
    """Whether this person may lift it: nobody lifts a stop of their own, nor at a page one over everything."""


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
    """The inbox, the views of it that the person keeps, and its lanes with what each holds; one query counts all."""
    home, at_home = reverse("inbox"), request.path == reverse("inbox")
    on_a_card = request.path.startswith("/actions/")
    asked = {name: value for name, value in request.GET.items() if value and name not in ("from", "words", "open")}
    lane, current = asked.get("lane", "waiting"), "page" if at_home else "true" if on_a_card and asked else ""
    views = SavedView.objects.of(membership.user, membership.organization)
    kept = [(view.name, view.query, QueryDict(view.query).dict()) for view in views]
    found = any(said == asked for _, _, said in kept)

    def here(name: str) -> str:
        return current if lane == name and not found else ""

    held = counts(Viewer.of(membership), OWN)
    own = [Link("Inbox", home, "inbox", here("waiting"), _capped(held["waiting"]))]
    own += [
        Link(name, f"{home}?{query}" if query else home, "bookmark", current if said == asked else "", kept=True)
        for name, query, said in kept
    ]
    own += [
        Link(
            LANES[name].title,
            f"{home}?lane={name}",
            "",
            here(name),
            _capped(held[name]) or "0",
            urgent=LANES[name].urgent and held[name] > 0,
            lane=True,
        )
        for name in OWN
        if name != "waiting"
    ]
    return own


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
    govern = [tools]
    if membership.has(Role.ADMINISTRATOR, Role.AUDITOR):
        permissions = link("Permissions", "matrix", "key-round")
        if permissions.current:
            govern = [Link(tools.name, tools.href, tools.icon)]
        govern += [permissions, link("Agents", "agents", "bot")]
    if membership.has(Role.ADMINISTRATOR, Role.AUDITOR, Role.REVIEWER):
        govern.append(link("Policy", "policy", "scale"))
    groups = [Group("", work), Group("Govern", [*govern, outbox])]
    if membership.has(Role.AUDITOR):
        groups.append(Group("Remember", [link("Audit", "audit", "scroll-text")]))
    may_stop = membership.has(*STOPPERS)
    stops = [
        Stop(
            stop_says(stop),
            stop.armed_at,
            may_stop and stop.organization_id is not None and stop.engaged_by_id != membership.user_id,
        )
        for stop in engaged(membership.organization_id)[:9]
    ]
    return Shell(membership.organization.name, groups, stops, may_stop)
