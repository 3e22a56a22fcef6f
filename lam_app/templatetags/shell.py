"""The frame around every page: where one can go, what waits there, what is stopped. It shows; the views check."""

import datetime as dt
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from django import template
from django.http import HttpRequest, QueryDict
from django.template.context import RequestContext
from django.urls import NoReverseMatch, reverse

from accounts.models import Membership
from accounts.roles import Role
from approvals.models import Action, Notice
from approvals.reading.lanes import LANES, OWN, Viewer
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
    unread: str = ""
    """How many notices nobody has read, as the bell shows it."""
    bell: str = ""


@dataclass(frozen=True)
class Place:
    """A page that stands in the navigation: its word, the name of its route, its icon, and who may open it (all, where
    no role is named). The page itself checks again.
    """

    name: str
    url: str
    icon: str
    roles: tuple[Role, ...] = ()


PLACES: Final[dict[str, tuple[Place, ...]]] = {
    "": (
        Place("Live", "feed", "activity"),
        Place("Runs", "runs", "route"),
        Place("Practice", "practice", "graduation-cap", (Role.REVIEWER,)),
    ),
    "Govern": (
        Place("Tools", "tools", "wrench"),
        Place("Permissions", "matrix", "key-round", (Role.ADMINISTRATOR, Role.AUDITOR)),
        Place("Agents", "agents", "bot", (Role.ADMINISTRATOR, Role.AUDITOR)),
        Place("Policy", "policy", "scale", (Role.ADMINISTRATOR, Role.AUDITOR, Role.REVIEWER)),
        Place("People", "people", "users", (Role.ADMINISTRATOR, Role.AUDITOR)),
        Place("Settings", "settings", "settings"),
        Place("Outbox", "outbox", "send"),
    ),
    "Remember": (
        Place("Audit", "audit", "scroll-text", (Role.AUDITOR,)),
        Place("Model calls", "traces", "brain", (Role.AUDITOR, Role.DEVELOPER)),
        Place("Reviewers", "habits", "gauge", (Role.AUDITOR,)),
        Place("Metrics", "metrics", "chart-column", (Role.ADMINISTRATOR, Role.AUDITOR)),
    ),
}
"""Where one can go, group by group. A page that is not there yet, or not here, is left out."""


def _capped(number: int) -> str:
    return f"{CAP}+" if number > CAP else str(number or "")


def _inbox(request: HttpRequest, membership: Membership) -> list[Link]:
    """The inbox, the views of it that the person keeps, and its lanes with what each holds; one query counts all."""
    home, at_home = reverse("inbox"), request.path == reverse("inbox")
    on_a_card = request.path.startswith("/actions/")
    asked = {name: value for name, value in request.GET.items() if value and name not in ("from", "words", "open")}
    lane, current = asked.get("lane", "waiting"), "page" if at_home else "true" if on_a_card and asked else ""
    viewer = Viewer.asking(request, membership)
    kept = [(view.name, view.query, QueryDict(view.query).dict()) for view in viewer.kept]
    found = any(said == asked for _, _, said in kept)

    def here(name: str) -> str:
        return current if lane == name and not found else ""

    held = viewer.held
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


def _administered(request: HttpRequest, membership: Membership) -> list[Link]:
    """What waits for people who are not there, and what reviewers ask an administrator to look at: never out of sight,
    while there is any of it."""
    within = Action.objects.within(membership.organization_id)
    lanes = (
        ("unroutable", "Nobody can decide", "users", within.unroutable()),
        ("escalated", "Escalated", "flag", within.escalated()),
    )
    found = []
    for lane, name, icon, rows in lanes:
        waiting = rows[: CAP + 1].count()
        here = request.path == reverse("inbox") and request.GET.get("lane") == lane
        if waiting or here:
            href = f"{reverse('inbox')}?lane={lane}"
            found.append(Link(name, href, icon, "page" if here else "", _capped(waiting), urgent=True))
    return found


def _links(request: HttpRequest, membership: Membership, places: tuple[Place, ...]) -> list[Link]:
    """The places of one group that exist and that this person may open; the one they are at is marked."""
    found = [(place, href) for place in places if _open_to(membership, place) and (href := _address(place.url))]
    at = max((href for href in _addresses() if request.path.startswith(href)), key=len, default="")
    return [Link(place.name, href, place.icon, "page" if href == at else "") for place, href in found]


def _open_to(membership: Membership, place: Place) -> bool:
    return not place.roles or membership.has(*place.roles)


@cache
def _address(name: str) -> str:
    """The address of a page, or nothing where this installation has no such page."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


@cache
def _addresses() -> list[str]:
    return [href for group in PLACES.values() for place in group if (href := _address(place.url))]


@register.simple_tag(takes_context=True)
def shell(context: RequestContext) -> Shell:
    """The frame for whoever asks; empty for strangers."""
    request = context["request"]
    membership: Membership | None = getattr(request, "membership", None)
    if membership is None:
        return Shell()

    reviews = membership.has(Role.REVIEWER)
    work = _inbox(request, membership) if reviews else []
    if membership.has(Role.ADMINISTRATOR):
        work += _administered(request, membership)
    places = {name: _links(request, membership, found) for name, found in PLACES.items()}
    groups = [Group("", [*work, *places.pop("")])]
    groups += [Group(name, links) for name, links in places.items() if links]
    may_stop = membership.has(*STOPPERS)
    in_force = Viewer.asking(request, membership).stops if reviews else list(engaged(membership.organization_id))
    stops = [
        Stop(
            stop_says(stop),
            stop.armed_at,
            may_stop and stop.organization_id is not None and stop.engaged_by_id != membership.user_id,
        )
        for stop in in_force[:9]
    ]
    unread = Notice.objects.of(membership.user_id, membership.organization_id).unread().order_by()[: CAP + 1].count()
    bell = "page" if request.path == reverse("notices") else ""
    return Shell(membership.organization.name, groups, stops, may_stop, _capped(unread), bell)
