"""What was lawfully forgotten is no alarm before the events that tell of it are sealed, and no export goes without."""

import uuid
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from accounts.actors import person
from lam_app.keeping import retain, set_retention
from tests.integration.test_two_verifiers import ours, theirs
from tests.support.asking import work_off
from tests.support.keeping import old_events
from tests.support.sealing import Seal, lines, seal_in, tamper, tell
from tests.support.standing_alone import loaded
from tests.support.world import World
from traces import making
from traces.exceptions import ForgettingUnsealed
from traces.inquiries import export, pieces, verification
from traces.inquiry import Inquiry
from traces.models import Event
from traces.services import Actor, Entry, record
from traces.working import Step


@pytest.fixture
def standalone() -> ModuleType:
    return loaded()


@pytest.fixture
def seal(world: World, tmp_path: Path) -> Seal:
    """A sealed record with details that are old."""
    found = seal_in(tmp_path)
    old_events(world.organization.id, 5, days=60)
    tell(world.organization.id, 3)
    found.passes()
    return found


def forget(world: World) -> None:
    """Let go of the old details, so that nothing of it is sealed."""
    set_retention(world.organization, 30, by=world.administrator, reason="as the contract says")
    assert retain(world.organization.id).details == 5


def erased(world: World, event: uuid.UUID) -> None:
    """Take out a detail and tell of it, as an erasure does."""
    tamper("DELETE FROM traces_eventdetail WHERE event = %s", event)
    told = {"verb": "erased", "subject_kind": "event", "subject": event}
    record(Entry(organization=world.organization.id, actor=Actor.system("sweeper"), **told))


def young(world: World) -> uuid.UUID:
    return Event.objects.filter(organization=world.organization.id, verb="noted").latest("id").pk


def test_t106_what_retention_and_an_erasure_took_is_no_alarm_while_that_is_not_sealed_yet(
    seal: Seal, world: World, page: Any
) -> None:
    forget(world)
    erased(world, young(world))
    report = seal.report(world.organization.id)
    assert (report.problems, report.erased) == ([], 6)
    verification(world.organization.id, by=person(world.auditor))
    work_off(seal, passes=False)
    assert Inquiry.objects.get().found["intact"] is True
    assert "Every event is as it was sealed" in page("auditor").get("/audit/verify/").content.decode()
    seal.passes()
    assert (seal.report(world.organization.id).problems, report.erased) == ([], 6)


def test_t106_what_is_not_sealed_yet_excuses_no_detail_that_it_does_not_tell_of(seal: Seal, world: World) -> None:
    forget(world)
    victim = young(world)
    tamper("DELETE FROM traces_eventdetail WHERE event = %s", victim)
    assert [one.event for one in seal.report(world.organization.id).problems] == [str(victim)]


def test_t106_an_event_of_a_transaction_that_never_was_excuses_nothing(seal: Seal, world: World) -> None:
    victim = young(world)
    erased(world, victim)
    assert tamper("UPDATE traces_event SET transaction = transaction + 1000000000 WHERE verb = 'erased'") == 1
    assert [one.event for one in seal.report(world.organization.id).problems] == [str(victim)]


def test_t107_an_export_of_everything_waits_until_what_was_forgotten_is_sealed(
    seal: Seal, world: World, standalone: ModuleType
) -> None:
    forget(world)
    asked = export(world.organization.id, since=None, until=None, by=person(world.auditor))
    work_off(seal, passes=False)
    asked.refresh_from_db()
    assert asked.state == "waiting"
    with pytest.raises(ForgettingUnsealed):
        lines(world.organization.id)
    work_off(seal)
    asked.refresh_from_db()
    assert (asked.state, asked.problem) == ("done", "")
    said = b"".join(pieces(asked.pk)).splitlines(keepends=True)
    assert (ours(seal, said), theirs(seal, standalone, said)) == ("", "")


@pytest.mark.parametrize("ranged", [False, True])
def test_t107_an_export_is_begun_anew_when_something_is_forgotten_while_it_is_made(
    seal: Seal, world: World, ranged: bool
) -> None:
    first = Event.objects.filter(organization=world.organization.id).earliest("id").at
    asked = export(world.organization.id, since=first if ranged else None, until=None, by=person(world.auditor))
    steps = making.export(seal.key)(asked)
    assert not next(steps).waits
    forget(world)
    *_, last = steps
    assert last == Step(waits=True)
