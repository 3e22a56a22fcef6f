"""notify: occasions become notices and deliveries. A worker's task, behind the gate and never in its way.

Each occasion is one transaction of its own, and each is told once: its notices are unique by occasion and person. What
goes out by mail or webhook is staggered: the first at once, what follows within ``LAM_NOTICE_SECONDS`` is gathered into
one letter with a count. What is urgent goes at once by itself.
"""

import logging
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import Q

from accounts.models import User
from approvals.models import Channel, Delivery, Notice, NoticeAddress, NoticeRoute, Occasion
from approvals.notices import concerned
from approvals.notices.concerned import Told
from approvals.notices.words import KINDS, reaches
from traces.clock import now

logger = logging.getLogger(__name__)
MOST_LINES: Final = 20
"""How many notices one letter spells out; the rest are counted."""
WEBHOOK_SECONDS: Final = 10
"""How far apart two calls of one webhook are at least, urgent ones excepted."""
WARNED: Final = 600
"""How many seconds before nobody can decide any more people are told so, where they had at least twice as long."""


def waits() -> bool:
    """Whether somebody is to be told of something."""
    return Occasion.objects.open().exists()


def notify(most: int = 200) -> int:
    """Tell of what is open, oldest first, ``most`` at a time. Returns how many occasions were looked at."""
    told = 0
    while told < most:
        with transaction.atomic():
            occasion = Occasion.objects.open().select_for_update(skip_locked=True).first()
            if occasion is None:
                break
            _tell(occasion)
            Occasion.objects.filter(pk=occasion.pk).update(routed_at=now())
        told += 1
    return told


def running_out() -> int:
    """Note what is about to expire with nobody's word on it, once for each time limit. For the sweep."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO approvals_occasion (id, organization_id, kind, subject, mark)
            SELECT gen_random_uuid(), a.organization_id, 'expiring', a.id, a.expires_at FROM approvals_action a
            WHERE a.status = 'in_review' AND a.expires_at > clock_timestamp()
              AND a.expires_at <= clock_timestamp() + make_interval(secs => %(warned)s)
              AND a.expires_at - a.created >= 2 * make_interval(secs => %(warned)s)
              AND NOT EXISTS (SELECT 1 FROM approvals_occasion o
                              WHERE o.kind = 'expiring' AND o.subject = a.id AND o.mark = a.expires_at)
            ORDER BY a.expires_at LIMIT 200
            ON CONFLICT DO NOTHING
            """,
            {"warned": WARNED},
        )
        return int(cursor.rowcount)


def _tell(occasion: Occasion) -> None:
    """Write down who is told what through which channel. What cannot be told keeps nobody else from hearing."""
    try:
        with transaction.atomic():
            told, over = concerned.of(occasion)
            if over:
                lasting = [kind for kind, said in KINDS.items() if said.lasts]
                stale = Notice.objects.filter(subject=occasion.subject, over_at=None, kind__in=lasting)
                stale.exclude(kind__in=[one.kind for one in told]).update(over_at=now())
            for one in told:
                _write(occasion, one)
    except Error:
        raise
    except Exception:  # a mistake of ours in one notice is no reason that others wait
        logger.exception("an occasion could not be told", extra={"occasion": str(occasion.pk)})


def _write(occasion: Occasion, told: Told) -> None:
    """A notice for each person, and what their routes send elsewhere."""
    people = set(User.objects.filter(pk__in=told.people, is_active=True).values_list("pk", flat=True))
    if not people:
        return
    ways = Ways.of(occasion.organization_id, told, people)
    Notice.objects.bulk_create(
        [
            Notice(
                organization_id=occasion.organization_id,
                occasion=occasion,
                person_id=person,
                kind=told.kind,
                subject=told.subject,
                title=told.title,
                risk=told.risk,
                path=told.path,
                aloud=person in ways.aloud,
            )
            for person in sorted(people)
        ],
        ignore_conflicts=True,
    )
    if occasion.kind == Occasion.Kind.TRIAL:
        return
    line = {"kind": told.kind, "title": told.title, "risk": told.risk, "path": told.path, "subject": str(told.subject)}
    for address in ways.addresses:
        _enqueue(address, line, urgent=KINDS[told.kind].urgent)


@dataclass(frozen=True, slots=True)
class Ways:
    """Who hears of one thing beyond the list in the page."""

    aloud: set[uuid.UUID]
    addresses: list[NoticeAddress]

    @classmethod
    def of(cls, organization: uuid.UUID, told: Told, people: set[uuid.UUID]) -> "Ways":
        """By the routes of these people and of their teams. A browser speaks of all unless somebody said of what."""
        routes = list(NoticeRoute.objects.filter(organization_id=organization, ended_at=None))
        teams = _teams({route.team_id for route in routes if route.team_id}, people)
        fitting = [route for route in routes if _fits(route, told)]
        chosen, aloud = set[uuid.UUID](), set[uuid.UUID]()
        by_mail, hooks = set[uuid.UUID](), set[uuid.UUID]()
        for route in routes:
            theirs = {route.person_id} & people if route.person_id else teams.get(route.team_id, set())
            if route.channel == Channel.BROWSER:
                chosen |= theirs
                aloud |= theirs if route in fitting else set()
            elif route in fitting and theirs:
                by_mail |= theirs if route.channel == Channel.MAIL else set()
                hooks |= {route.address_id} if route.address_id else set()
        open_ones = NoticeAddress.objects.filter(organization_id=organization, ended_at=None)
        to = open_ones.filter(Q(channel="mail", person__in=by_mail) | Q(channel="webhook", pk__in=hooks))
        return cls(aloud=(people - chosen) | aloud, addresses=list(to.order_by("id")) if by_mail or hooks else [])


def _fits(route: NoticeRoute, told: Told) -> bool:
    """Whether a route takes this. A stop is for everybody who hears at all."""
    if told.kind == "stopped":
        return True
    return (route.tool_id is None or route.tool_id == told.tool) and reaches(route.risk, told.risk)


def _teams(teams: Iterable[uuid.UUID], people: set[uuid.UUID]) -> Mapping[uuid.UUID | None, set[uuid.UUID]]:
    """Of each team those of these people who are in it now."""
    inside: dict[uuid.UUID | None, set[uuid.UUID]] = {}
    found = User.groups.through.objects.filter(group__team__in=list(teams), user__in=people)
    for team, person in found.values_list("group__team", "user_id"):
        inside.setdefault(team, set()).add(person)
    return inside


def _enqueue(address: NoticeAddress, line: dict[str, Any], *, urgent: bool) -> None:
    """Add to what is gathered for an address, or begin anew: at once where nothing was said lately."""
    gathered = Delivery.objects.filter(address=address, urgent=False, trial=False)
    if not urgent:
        # What was tried once may have arrived: it is sent again as it was, and nothing is added to it.
        open_one = gathered.filter(state="waiting", attempts=0).select_for_update().order_by("id").first()
        if open_one is not None:
            lines = [*open_one.lines, line][:MOST_LINES]
            Delivery.objects.filter(pk=open_one.pk).update(lines=lines, count=open_one.count + 1)
            return
    at = now()
    last = None if urgent else gathered.order_by("-due_at").values_list("due_at", flat=True).first()
    Delivery.objects.create(
        organization_id=address.organization_id,
        address=address,
        lines=[line],
        count=1,
        urgent=urgent,
        due_at=_after(last, at, address.channel),
    )


def _after(last: datetime | None, at: datetime, channel: str) -> datetime:
    """When the next one may go: at once, or so long behind the last."""
    gap = settings.LAM_NOTICE_SECONDS if channel == "mail" else min(WEBHOOK_SECONDS, settings.LAM_NOTICE_SECONDS)
    return at if last is None else max(at, last + timedelta(seconds=gap))
