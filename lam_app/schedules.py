"""What people do with schedules, and what the sweep does: a goal that is given again and again, as its person.

Times are a cron expression's, in the person's time zone. When clocks change, a time that is skipped comes right after
the change and one that would come twice comes once; an expression that repeats within the hour simply goes on. Each
time is fired once, whoever sweeps (``lam_app_fire``); times that passed while nothing swept become one run, which says
how many it stands for.
"""

import logging
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from django.db import OperationalError, connection, transaction

from accounts.actors import person
from accounts.models import Membership, User
from accounts.roles import Role
from lam_app.exceptions import MayNotSubmit, ScheduleEnded, ScheduleNotFound, ScheduleRefused
from lam_app.models import Schedule
from lam_app.runs import LONGEST_GOAL, words
from lam_app.states import RunStatus
from traces.clock import now
from traces.doorbell import ring
from traces.ids import uuid7
from traces.services import Actor, Entry, record
from traces.turns import alone

logger = logging.getLogger(__name__)
SWEEPER: Final = Actor.system("sweeper")
SOONEST_SECONDS: Final = 600
"""Between two times of one schedule; what has to happen more often is not a goal for an agent."""
LOOKED_AT: Final = 200
"""Times of an expression by which it is judged how often it comes."""
MOST: Final = 20
"""Schedules that one person may have running in an organization."""
COUNTED: Final = 10_000
"""Missed times that are counted; beyond them the number is not told exactly."""


@dataclass(frozen=True)
class Fired:
    """What came of a schedule whose time had come: ``became`` is fired, skipped or paused."""

    schedule: uuid.UUID
    became: str
    run: uuid.UUID | None


def times(cron: str, zone: str, after: datetime) -> Iterator[datetime]:
    """The times of an expression behind a moment, in the zone. Raises ScheduleRefused for one that is none."""
    if len(cron.split()) != 5:
        raise _wrong(
            "cron",
            "Five fields are needed: minute, hour, day, month, weekday. 0 9 * * 1-5 is nine o’clock on weekdays.",
        )
    try:
        found = CronSim(cron, after.astimezone(ZoneInfo(zone)))
        yield from found
    except CronSimError as error:
        raise _wrong("cron", f"{error}. 0 9 * * 1-5 is nine o’clock on weekdays.") from None


def upcoming(cron: str, zone: str, after: datetime, number: int = 3) -> list[datetime]:
    """The next times, for a person to look at. Raises ScheduleRefused."""
    return list(islice(times(cron, zone, after), number))


def schedule_goal(*, actor: User, organization: uuid.UUID, goal: str, cron: str) -> Schedule:
    """Have a goal given as this person at every time of the expression, in the person's own time zone.

    Nobody can do so for somebody else. Raises MayNotSubmit, GoalRefused, or ScheduleRefused for an expression that is
    none, comes more often than every SOONEST_SECONDS or never, and for more than MOST of one person.
    """
    member = Membership.objects.of(actor).filter(organization_id=organization).first()
    if member is None or not member.has(Role.OPERATOR):
        raise MayNotSubmit
    goal = words("goal", goal, LONGEST_GOAL)
    cron = " ".join(words("cron", cron, 100).split())
    zone = member.organization.zone_of(actor)
    first = first_time(cron, zone, now())
    made = Schedule(
        id=uuid7(), organization_id=organization, person=actor, goal=goal, cron=cron, time_zone=zone, next_at=first
    )
    with transaction.atomic():
        alone(f"schedules:{actor.pk}")  # of two at once, the second counts the first
        if Schedule.objects.filter(organization_id=organization, person=actor, ended_at=None).count() >= MOST:
            raise ScheduleRefused(f"{MOST} schedules are the most that one person can have here. End one first.")
        made.save(force_insert=True)
        record(_entry(made, actor, "schedule_made", {"goal": goal, "cron": cron, "time_zone": zone}))
    return made


def pause(*, actor: User, organization: uuid.UUID, schedule: uuid.UUID) -> Schedule:
    """Let no further time count until somebody resumes it. Raises ScheduleNotFound, ScheduleEnded."""
    with transaction.atomic():
        found = _own(actor, organization, schedule)
        if found.paused_at is None:
            found.paused_at, found.paused_because = now(), f"Paused by {actor.username}."
            found.save(update_fields=["paused_at", "paused_because"])
            record(_entry(found, actor, "schedule_paused", {}))
    return found


def resume(*, actor: User, organization: uuid.UUID, schedule: uuid.UUID) -> Schedule:
    """Go on with the next time that lies ahead; what passed meanwhile is not made up for.

    Its person alone can: what runs in somebody's name is not set going by somebody else. Raises ScheduleNotFound,
    ScheduleEnded, MayNotSubmit.
    """
    with transaction.atomic():
        found = _own(actor, organization, schedule)
        member = Membership.objects.of(actor).filter(organization_id=organization).first()
        if found.person_id != actor.pk or member is None or not member.has(Role.OPERATOR):
            raise MayNotSubmit("Only the person in whose name it runs can set it going again.")
        if found.paused_at is not None:
            found.paused_at, found.paused_because = None, ""
            found.next_at = next(times(found.cron, found.time_zone, now()))
            found.save(update_fields=["paused_at", "paused_because", "next_at"])
            record(_entry(found, actor, "schedule_resumed", {}))
    return found


def end(*, actor: User, organization: uuid.UUID, schedule: uuid.UUID) -> Schedule:
    """End it for good; runs that it gave go on. Raises ScheduleNotFound, ScheduleEnded."""
    with transaction.atomic():
        found = _own(actor, organization, schedule)
        found.ended_at = now()
        found.save(update_fields=["ended_at"])
        record(_entry(found, actor, "schedule_ended", {}))
    return found


def fire_due(limit: int = 50) -> list[Fired]:
    """Give the goals whose time has come, each in a transaction of its own. Safe to run twice at once."""
    came = []
    for row in Schedule.objects.due()[:limit]:
        try:
            fired = _fire(row)
        except OperationalError:
            raise  # the database is away, for all of them
        except Exception:
            logger.exception("a schedule could not be fired", extra={"schedule": str(row.pk)})
            continue
        came += [fired] if fired else []
    if any(one.became == "fired" for one in came):
        ring("lam_app.tasks.advance_runs")
    return came


def _fire(row: Schedule) -> Fired | None:
    """One time of one schedule; None where somebody else was first."""
    at, run = now(), uuid7()
    passed, following = _passed(row, at)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT became, due FROM lam_app_fire(%s, %s, %s, %s)", [row.pk, run, following, passed])
        found = cursor.fetchone()
        if found is None:
            return None
        became, due = found
        detail = {"due": due.astimezone(UTC).isoformat(), "missed": passed, "cron": row.cron}
        if became != "fired":
            why = "schedule_paused" if became == "paused" else "schedule_skipped"
            record(_entry(row, SWEEPER, why, detail))
            return Fired(row.pk, became, None)
        record(
            Entry(
                organization=row.organization_id,
                actor=SWEEPER,
                verb="submitted",
                subject_kind="run",
                subject=run,
                target=RunStatus.SUBMITTED,
                reason=f"Scheduled: {row.cron} ({row.time_zone}).",
                run=run,
                detail={**detail, "goal": row.goal, "schedule": str(row.pk), "for": str(row.person_id)},
            )
        )
    return Fired(row.pk, became, run)


def _passed(row: Schedule, at: datetime) -> tuple[int, datetime]:
    """How many times behind the due one have passed as well, and the first that lies ahead."""
    passed = 0
    for one in islice(times(row.cron, row.time_zone, row.next_at), COUNTED):
        if one > at:
            return passed, one
        passed += 1
    return passed, next(times(row.cron, row.time_zone, at))


def first_time(cron: str, zone: str, at: datetime) -> datetime:
    """The first time of an expression. Raises ScheduleRefused for one that comes never, or too often."""
    try:
        seen = upcoming(cron, zone, at, LOOKED_AT)
    except (StopIteration, OverflowError, ValueError):
        seen = []
    if not seen or seen[0] > at + timedelta(days=4 * 366):
        raise _wrong("cron", "This time never comes, or not within four years.")
    plain = upcoming(cron, "UTC", at, LOOKED_AT)  # where no clock changes
    gaps = (later - earlier for earlier, later in pairwise(plain))
    if any(gap < timedelta(seconds=SOONEST_SECONDS) for gap in gaps):
        raise _wrong("cron", f"Every {SOONEST_SECONDS // 60} minutes is the most often that a goal can be given.")
    return seen[0]


def _own(actor: User, organization: uuid.UUID, schedule: uuid.UUID) -> Schedule:
    """A schedule that this person may stop, held: their own, or any for an administrator."""
    found = Schedule.objects.filter(organization_id=organization, pk=schedule).select_for_update().first()
    member = Membership.objects.of(actor).filter(organization_id=organization).first()
    if found is None or member is None or (found.person_id != actor.pk and not member.has(Role.ADMINISTRATOR)):
        raise ScheduleNotFound
    if found.ended_at is not None:
        raise ScheduleEnded
    return found


def _wrong(field: str, message: str) -> ScheduleRefused:
    return ScheduleRefused(f"{field}: {message}", errors={field: message})


def _entry(row: Schedule, by: User | Actor, verb: str, detail: dict[str, object]) -> Entry:
    return Entry(
        organization=row.organization_id,
        actor=by if isinstance(by, Actor) else person(by),
        verb=verb,
        subject_kind="schedule",
        subject=row.pk,
        detail=detail,
    )
