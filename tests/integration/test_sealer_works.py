"""The sealer works for those who ask, a slice at a time, and stays the sealer whatever comes of it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from psycopg.errors import InsufficientPrivilege

from accounts.actors import person
from lam_app import sealing
from lam_app.supervisor.pulse import sealer
from tests.support.racing import acting_as
from tests.support.sealing import Seal, seal_in, tell
from tests.support.sql import REFUSED, refusal, speaking_as
from tests.support.world import World
from traces import working
from traces.inquiries import export, pieces, verification
from traces.inquiry import Inquiry, InquiryPart
from traces.models import Event
from traces.working import Step, Work


@pytest.fixture
def seal(world: World, tmp_path: Path) -> Seal:
    """A sealed record."""
    found = seal_in(tmp_path)
    tell(world.organization.id, 5)
    found.passes()
    return found


def in_steps(*steps: Step) -> Any:
    """A making of just these steps."""
    return {"verify": lambda _: iter(steps), "export": lambda _: iter(steps)}


def test_a_slice_ends_when_its_time_is_over_and_the_next_goes_on(world: World) -> None:
    asked = verification(world.organization.id, by=person(world.auditor))
    work = Work(in_steps(Step(seen=1, expected=2), Step(seen=2), Step(seen=2, found={"intact": True})))
    assert work.go_on(0)  # it is taken, and there is no time for a step
    asked.refresh_from_db()
    assert (asked.state, asked.seen) == ("waiting", 0)
    assert work.go_on(30)
    asked.refresh_from_db()
    assert (asked.state, asked.seen, asked.expected, asked.found) == ("done", 2, 2, {"intact": True})
    assert not work.go_on(30)


def test_a_file_in_many_pieces_is_the_same_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "PIECE", 10)
    asked = export(world.organization.id, since=None, until=None, by=person(world.auditor))
    Work(in_steps(*(Step(data=f"{n} and more ".encode()) for n in range(9)))).go_on(30)
    asked.refresh_from_db()
    whole = "".join(f"{n} and more " for n in range(9)).encode()
    assert b"".join(pieces(asked.pk)) == whole
    assert asked.size == len(whole)
    assert InquiryPart.objects.filter(inquiry=asked).count() == len(whole) // 10 + 1


def test_what_goes_wrong_ends_the_inquiry_and_not_the_sealer(world: World) -> None:
    def breaks(_: Inquiry) -> Iterator[Step]:
        yield Step(data=b"something")
        raise ZeroDivisionError

    asked = export(world.organization.id, since=None, until=None, by=person(world.auditor))
    assert Work({"export": breaks}).go_on(30)
    asked.refresh_from_db()
    assert asked.state == "failed"
    assert "the sealer’s log" in asked.problem
    assert not InquiryPart.objects.exists()


def test_what_a_dead_sealer_left_is_begun_anew_by_the_next(world: World) -> None:
    asked = export(world.organization.id, since=None, until=None, by=person(world.auditor))
    dead, alive = Work(in_steps(Step(data=b"half"), Step(data=b" of it"))), Work(in_steps(Step(data=b"all of it")))
    assert dead.go_on(0)
    assert not alive.go_on(30), "somebody is at it"
    Inquiry.objects.update(touched_at=Inquiry.objects.get().touched_at - working.LEFT - timedelta(seconds=1))
    assert alive.go_on(30)
    assert dead.go_on(30)
    asked.refresh_from_db()
    assert b"".join(pieces(asked.pk)) == b"all of it"
    assert Event.objects.filter(subject=asked.pk, verb="export_made").count() == 1


def test_one_that_has_to_wait_lets_the_others_go_first(world: World) -> None:
    by = person(world.auditor)
    first, second = (
        verification(world.organization.id, by=by),
        export(world.organization.id, since=None, until=None, by=by),
    )
    work = Work({"verify": lambda _: iter([Step(waits=True)]), "export": lambda _: iter([Step(data=b"x")])})
    assert not work.go_on(30)
    assert work.go_on(30)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("waiting", "done")


def test_the_web_asks_and_says_nothing_of_an_outcome(world: World) -> None:
    born = {"id": str(uuid.uuid4()), "organization": world.organization.id, "by": world.auditor.pk}
    insert = (
        "INSERT INTO traces_inquiry (id, organization, kind, subject_kind, asked_by, asked_name, state, seen, expected,"
        " found, problem, size, sha256) VALUES (%(id)s, %(organization)s, 'verify', '', %(by)s, 'x', {state}, 0, 0,"
        " {found}, '', 0, '')"
    )
    with speaking_as("web", world.organization.id) as web:
        for state, found in (("'done'", "'{}'"), ("'waiting'", "'{\"intact\": true}'")):
            assert refusal(web, insert.format(state=state, found=found), born)[0] in {REFUSED, "23514"}
        unspoken, why = refusal(web, insert.format(state="'waiting'", found="'{}'"), born)
        assert (unspoken, "no event tells of it" in why) == (REFUSED, True)
    verification(world.organization.id, by=person(world.auditor))
    with speaking_as("web", world.organization.id) as web:
        for statement in (
            "UPDATE traces_inquiry SET state = 'done'",
            "DELETE FROM traces_inquiry",
            "INSERT INTO traces_inquirypart SELECT * FROM traces_inquirypart",
            "UPDATE traces_outlet SET told = 0",
        ):
            with pytest.raises(InsufficientPrivilege):
                web.execute(statement)
            web.rollback()


def test_the_sealer_does_nothing_with_a_database_that_a_newer_program_has_migrated(
    seal: Seal, world: World, tmp_path: Path, settings: Any
) -> None:
    settings.LAM_HOME = tmp_path
    tell(world.organization.id, 3)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('traces', '9999_newer', now())")
    try:
        with pytest.raises(SystemExit) as ended:
            sealing.forever(seal.private, seal.public, seal.outside, 1, lambda: False)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE name = '9999_newer'")
    assert ended.value.code == 78
    assert seal.passes() >= 1, "nothing had been sealed meanwhile"


def test_the_sealer_seals_works_and_shows_that_it_lives(
    seal: Seal, world: World, tmp_path: Path, settings: Any
) -> None:
    settings.LAM_HOME = tmp_path
    (tmp_path / "run").mkdir()
    tell(world.organization.id, 3)
    asked = verification(world.organization.id, by=person(world.auditor))
    looks = iter(range(600))

    def stopped() -> bool:
        return next(looks) == 599 or Inquiry.objects.filter(state="done").exists()

    with acting_as("worker"):
        sealing.forever(seal.private, seal.public, seal.outside, 1, stopped)
    asked.refresh_from_db()
    assert asked.found["intact"]
    assert sealing.sign_of_life().exists()


def test_a_sealer_that_shows_nothing_is_ended_like_the_other_roles(tmp_path: Path) -> None:
    sign = tmp_path / "seal"
    watched = sealer(sign, patience=0.0)
    assert watched.name == "sealer"
    assert watched.alive(), "a file that cannot be written says nothing"
    sign.touch()
    assert watched.alive()
    assert not watched.alive()
    os.utime(sign, ns=(1, 1))
    assert watched.alive()


def test_t106_what_a_late_transaction_holds_back_is_no_false_alarm_on_the_page(seal: Seal, world: World) -> None:
    with speaking_as("worker") as late:
        late.execute("SELECT pg_current_xact_id()")  # from here on it holds sealing back
        tell(world.organization.id, 4)
        seal.passes(wait=False)
        asked = verification(world.organization.id, by=person(world.auditor))
        with acting_as("worker"):
            while sealing.working(seal.key, seal.public, seal.outside).go_on(30):
                pass
        asked.refresh_from_db()
        assert asked.found["intact"]
        late.rollback()
    seal.passes()
    assert seal.report(world.organization.id).intact
