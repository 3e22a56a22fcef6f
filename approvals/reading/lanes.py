"""The lanes of the inbox: what each of them holds for one person, and how many. Reads only.

Whoever reviews sees in every lane what they may decide on and nothing else; the one lane that nobody could decide on
is an administrator's too, who can give the rights.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

from django.http import HttpRequest

from accounts.models import Membership
from accounts.roles import Role
from approvals.access import reviewable_tools
from approvals.models import Action, SavedView
from approvals.queries import URGENCY, ActionQuerySet
from approvals.reading.counted import answered, counting
from approvals.states import ActionStatus
from tools.listing import engaged
from tools.models import KillSwitch, Tool
from traces.clock import now

SOON: Final = dt.timedelta(minutes=10)
"""What runs out within it stands first, whatever its risk."""
ORDERS: Final[dict[str, tuple[str, ...]]] = {
    "leaving": ("due_at", "id"),
    "soon": ("expires_at", "id"),
    "later": ("urgency", "created", "id"),
    "after": ("urgency", "created", "id"),
}
"""How each part of a lane is ordered."""
S = ActionStatus


@dataclass(frozen=True)
class Viewer:
    """Who looks at the inbox, and when."""

    membership: Membership
    at: dt.datetime

    @classmethod
    def of(cls, membership: Membership) -> "Viewer":
        """This member, at this moment of the database's clock."""
        return cls(membership, now())

    @classmethod
    def asking(cls, request: HttpRequest, membership: Membership) -> "Viewer":
        """The member who makes this request. The list and the frame around it share one, and read nothing twice."""
        kept: dict[str, Any] = request.__dict__
        if "viewer" not in kept:
            kept["viewer"] = cls.of(membership)
        viewer: Viewer = kept["viewer"]
        return viewer

    @property
    def user(self) -> uuid.UUID:
        """The person's id."""
        return self.membership.user_id

    @cached_property
    def tools(self) -> list[uuid.UUID]:
        """The tools on whose actions the person may decide."""
        return reviewable_tools(self.membership)

    def tools_called(self, name: str) -> list[uuid.UUID]:
        """Those of them that have this name; all of them for the empty one."""
        if not name:
            return self.tools
        return list(Tool.objects.filter(pk__in=self.tools, name=name).values_list("pk", flat=True))

    @cached_property
    def kept(self) -> list[SavedView]:
        """The views that the person keeps."""
        return list(SavedView.objects.of(self.membership.user, self.membership.organization))

    @cached_property
    def held(self) -> dict[str, int]:
        """How many each of a reviewer's lanes holds, at most one more than ``CAP``."""
        return counts(self, OWN)

    @cached_property
    def stops(self) -> list[KillSwitch]:
        """The stops in force over the organization."""
        return list(engaged(self.membership.organization_id))

    @cached_property
    def reviewable(self) -> ActionQuerySet:
        """Everything that the person may decide on."""
        return Action.objects.within(self.membership.organization_id).reviewable_by(self.user, self.tools)

    @cached_property
    def unroutable(self) -> ActionQuerySet:
        """What nobody could decide on when it was ruled: an administrator sees all of it, and can give the rights."""
        everything = Action.objects.within(self.membership.organization_id)
        return (everything if self.membership.has(Role.ADMINISTRATOR) else self.reviewable).unroutable()

    @cached_property
    def escalated(self) -> ActionQuerySet:
        """What a reviewer, or time, brought before more people. Those who administer see all of it."""
        everything = Action.objects.within(self.membership.organization_id)
        return (everything if self.membership.has(Role.ADMINISTRATOR) else self.reviewable).escalated()


@dataclass(frozen=True)
class Lane:
    """One lane: its name in the address, what it is called, what is in it, and what is said where that is nothing."""

    name: str
    title: str
    rows: Callable[[Viewer], ActionQuerySet]
    statuses: tuple[str, ...]
    empty: str
    about: str
    crowded: bool = False
    """Whether it may hold a large share of what waits: then it is read tool by tool."""
    urgent: bool = False

    @property
    def administered(self) -> bool:
        """Whether it is for administrators too, whether they review or not."""
        return self.name in ADMINISTERED


ADMINISTERED: Final = frozenset({"unroutable", "escalated"})
LANES: Final = {
    lane.name: lane
    for lane in (
        Lane(
            "waiting",
            "Inbox",
            lambda viewer: viewer.reviewable.waiting(),
            (S.IN_REVIEW,),
            "Nothing waits for you",
            "Requests of agents on which you may decide.",
            crowded=True,
        ),
        Lane(
            "mine",
            "Mine",
            lambda viewer: viewer.reviewable.filter(status__in=(S.IN_REVIEW, S.UNCERTAIN)).taken_by(viewer.user),
            (S.IN_REVIEW, S.UNCERTAIN),
            "You have taken nothing",
            "What you said you are looking at. It is anybody’s again when your time with it is over.",
        ),
        Lane(
            "unclaimed",
            "Unclaimed",
            lambda viewer: viewer.reviewable.nobodys(),
            (S.IN_REVIEW,),
            "Somebody looks at everything that waits",
            "What waits and nobody has taken.",
            crowded=True,
        ),
        Lane(
            "soon",
            "Leaving soon",
            lambda viewer: viewer.reviewable,
            (S.SCHEDULED, S.IN_REVIEW),
            "Nothing leaves soon, and nothing runs out soon",
            "What leaves by itself unless somebody objects, then what expires within ten minutes.",
            crowded=True,
            urgent=True,
        ),
        Lane(
            "second",
            "Second vote needed",
            lambda viewer: viewer.reviewable.missing_a_vote(viewer.user),
            (S.IN_REVIEW,),
            "Nothing lacks your vote",
            "Somebody said yes, you said nothing yet, and one yes is not enough.",
        ),
        Lane(
            "unknown",
            "Unknown outcome",
            lambda viewer: viewer.reviewable.unknown_outcome(),
            (S.UNCERTAIN,),
            "Every outcome is known",
            "Calls whose effect nobody knows. They are never tried again by themselves.",
            urgent=True,
        ),
        Lane(
            "undo",
            "Undo",
            lambda viewer: viewer.reviewable.undoing(),
            (S.IN_REVIEW,),
            "Nothing is being taken back",
            "Requests that take back what an earlier action did.",
        ),
        Lane(
            "stopped",
            "Held by a stop",
            lambda viewer: viewer.reviewable.filter(
                status__in=(S.SCHEDULED, S.IN_REVIEW, S.PERMITTED),
            ).under(viewer.stops),
            (S.SCHEDULED, S.IN_REVIEW, S.PERMITTED),
            "No stop holds anything back",
            "What a stop keeps from leaving. It goes on once the stop is lifted, if it still may.",
        ),
        Lane(
            "aside",
            "Set aside",
            lambda viewer: viewer.reviewable.set_aside(),
            (S.IN_REVIEW,),
            "Nothing is set aside",
            "What a person set aside for later. Its time goes on running.",
        ),
        Lane(
            "escalated",
            "Escalated",
            lambda viewer: viewer.escalated,
            (S.IN_REVIEW,),
            "Nothing is escalated",
            "What a reviewer, or time, brought before more people. It waits on for whoever may decide.",
            urgent=True,
        ),
        Lane(
            "unroutable",
            "Nobody can decide",
            lambda viewer: viewer.unroutable,
            (S.IN_REVIEW,),
            "Nothing waits in vain",
            "Requests that wait for people who are not there: a team that is missing or empty, a right that nobody"
            " holds.",
            urgent=True,
        ),
    )
}
"""In the order in which they are listed."""
OWN: Final = tuple(name for name in LANES if name not in ADMINISTERED)
"""A reviewer's lanes."""


def parts(lane: Lane, viewer: Viewer, soon: dt.datetime) -> dict[str, ActionQuerySet]:
    """What a lane holds, in parts that are listed one after the other, each with an order of its own.

    ``leaving`` leaves by itself, ``soon`` runs out by that moment, ``later`` waits, ``after`` is past deciding.
    """
    rows, found = lane.rows(viewer), {}
    if S.SCHEDULED in lane.statuses:
        found["leaving"] = rows.filter(status=S.SCHEDULED)
    if S.IN_REVIEW in lane.statuses:
        found["soon"] = rows.running_out(soon)
        if lane.name != "soon":
            found["later"] = rows.in_review().filter(expires_at__gt=soon)
    past = [status for status in lane.statuses if status not in (S.SCHEDULED, S.IN_REVIEW)]
    if past:
        found["after"] = rows.filter(status__in=past)
    return {part: _ordered(rows, part) for part, rows in found.items()}


def _ordered(rows: ActionQuerySet, part: str) -> ActionQuerySet:
    return rows.alias(urgency=URGENCY).order_by(*ORDERS[part])


def counts(viewer: Viewer, names: tuple[str, ...]) -> dict[str, int]:
    """How many each of these lanes holds for a person, at most one more than ``CAP``. One query.

    Every page asks it, and making its SQL takes longer than asking it. So the SQL is made once, for nobody in
    particular, and the viewer stands in nobody's place when it is asked. Under a stop, and for whoever reviews nothing,
    the SQL is another and is made anew.
    """
    if viewer.stops or not viewer.tools:
        sql, params = _counting(viewer, names)
    else:
        sql, params = _for_nobody(names)
        places: list[tuple[Any, Any]] = [
            (_NOBODY.membership.organization_id, viewer.membership.organization_id),
            (_NOBODY.user, viewer.user),
            ([_NOBODY.user], [viewer.user]),
            (_NOBODY.tools, viewer.tools),
            (_NOBODY.at + SOON, viewer.at + SOON),
        ]
        params = [next((real for stand_in, real in places if stand_in == param), param) for param in params]
    return dict(zip(names, answered(sql, params), strict=True))


def _counting(viewer: Viewer, names: tuple[str, ...]) -> tuple[str, list[Any]]:
    lists = {
        name: [_ordered(LANES[name].rows(viewer), "later")]
        if name != "soon"
        else list(parts(LANES[name], viewer, viewer.at + SOON).values())
        for name in names
    }
    return counting(lists, viewer.tools, {name for name in names if LANES[name].crowded})


def _nobody() -> Viewer:
    """A viewer whose every value is told from all real ones: identifiers are made by time, and these are of none."""
    membership = Membership(organization_id=uuid.UUID(int=1), user_id=uuid.UUID(int=2))
    viewer = Viewer(membership, dt.datetime(1, 1, 1, tzinfo=dt.UTC))
    vars(viewer)["tools"], vars(viewer)["stops"] = [uuid.UUID(int=3)], []
    return viewer


_NOBODY: Final = _nobody()


@cache
def _for_nobody(names: tuple[str, ...]) -> tuple[str, list[Any]]:
    return _counting(_NOBODY, names)
