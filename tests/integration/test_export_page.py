"""The record is exported from a page, all of it or some days, and verifies wherever it is taken."""

from __future__ import annotations

import json
import os
import random
import uuid
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.utils import timezone

from accounts.actors import person
from tests.integration.test_two_verifiers import ours, standalone, theirs
from tests.support.asking import file_of, work_off
from tests.support.sealing import Seal, lines, seal_in, tamper, tell
from tests.support.world import World
from traces.chain import moment, written
from traces.inquiries import export, pieces
from traces.inquiry import Inquiry, InquiryPart
from traces.models import Block, Event
from traces.services import Actor, Entry, record
from traces.working import drop_files

__all__ = ["standalone"]
MUTATIONS = int(os.environ.get("N", "150"))
SEED = int(os.environ.get("SEED", "2026"))


@pytest.fixture
def seal(world: World, tmp_path: Path) -> Seal:
    """A record in four blocks."""
    found = seal_in(tmp_path)
    for _ in range(4):
        tell(world.organization.id, 5)
        found.passes()
    return found


def excerpt(seal: Seal, world: World, first: int, last: int) -> list[bytes]:
    """The lines of an excerpt with these blocks, by when they were sealed."""
    blocks = list(Block.objects.of(world.organization.id))
    asked = export(
        world.organization.id,
        since=blocks[first - 1].sealed_at,
        until=blocks[last - 1].sealed_at + timedelta(microseconds=1),
        by=person(world.auditor),
    )
    work_off(seal, passes=False)
    asked.refresh_from_db()
    assert (asked.state, asked.problem) == ("done", "")
    return b"".join(pieces(asked.pk)).splitlines(keepends=True)


def test_all_of_it_is_what_the_command_writes(seal: Seal, world: World, page: Any, standalone: ModuleType) -> None:
    auditor = page("auditor")
    assert auditor.post("/audit/export/", {"since": "", "until": ""}).status_code == 302
    work_off(seal, passes=False)
    said = file_of(auditor, Inquiry.objects.get()).splitlines(keepends=True)
    assert said == lines(world.organization.id)
    assert (ours(seal, said), theirs(seal, standalone, said)) == ("", "")


def test_some_days_are_an_excerpt_that_both_verifiers_hold(seal: Seal, world: World, standalone: ModuleType) -> None:
    said = excerpt(seal, world, 2, 3)
    assert (ours(seal, said), theirs(seal, standalone, said)) == ("", "")
    told = json.loads(said[0])["excerpt"]
    assert (told["first"], told["last"], told["events"]) == ([1, 2], [1, 3], 10)
    assert len(said) == 1 + 2 + 10


def test_t107_every_single_byte_of_an_excerpt_counts_for_both(seal: Seal, world: World, standalone: ModuleType) -> None:
    whole = b"".join(excerpt(seal, world, 2, 3))
    chance = random.Random(SEED)
    unseen = []
    for _ in range(MUTATIONS):
        at = chance.randrange(len(whole))
        byte = chance.choice([b for b in range(256) if b != whole[at]])
        changed = (whole[:at] + bytes([byte]) + whole[at + 1 :]).split(b"\n")
        parts = [part + b"\n" for part in changed[:-1]] + ([changed[-1]] if changed[-1] else [])
        if not ours(seal, parts) or not theirs(seal, standalone, parts):
            unseen.append((at, whole[max(0, at - 20) : at + 20], byte))
    assert unseen == []


def test_t107_nobody_makes_a_smaller_excerpt_of_one(seal: Seal, world: World, standalone: ModuleType) -> None:
    said = excerpt(seal, world, 2, 4)
    head, rest = said[0], said[1:]
    begins = [at for at, line in enumerate(rest) if line.startswith(b'{"block"')]
    told = json.loads(head)
    told["excerpt"] |= {"last": [1, 3], "blocks": 2, "events": 10}
    smaller = (written(told) + "\n").encode()
    for changed in (
        [head, *rest[: begins[2]]],  # the tail
        [head, *rest[begins[1] :]],  # the beginning
        [head, *rest[: begins[1]], *rest[begins[2] :]],  # the middle
        [head, *rest[:3], *rest[4:]],  # one event
        [smaller, *rest[: begins[2]]],  # and told so
    ):
        mine, other = ours(seal, changed), theirs(seal, standalone, changed)
        assert mine
        assert mine.replace("’", "'") == other


def test_t106_what_was_changed_in_the_database_is_found_in_an_excerpt(
    seal: Seal, world: World, standalone: ModuleType
) -> None:
    second = Block.objects.of(world.organization.id)[1]
    victim = str(Event.objects.get(pk=bytes(second.events[:16]).hex()).pk)
    tamper("UPDATE traces_event SET verb = 'approved' WHERE id = %s", victim)
    said = excerpt(seal, world, 2, 3)
    mine = ours(seal, said)
    assert f"the event was changed (event {victim})" in mine
    assert mine == theirs(seal, standalone, said)


def test_a_detail_whose_erasure_is_told_outside_of_an_excerpt_is_no_alarm_and_any_other_is(
    seal: Seal, world: World, standalone: ModuleType
) -> None:
    second = Block.objects.of(world.organization.id)[1]
    ids = [str(Event.objects.get(pk=bytes(second.events[at : at + 16]).hex()).pk) for at in (0, 16)]
    tamper("DELETE FROM traces_eventdetail WHERE event = ANY(%s::uuid[])", ids)
    record(Entry(world.organization.id, Actor.system("tester"), "erased", "event", uuid.UUID(ids[0])))
    seal.passes()
    said = excerpt(seal, world, 2, 3)
    for verdict in (ours(seal, said), theirs(seal, standalone, said)):
        assert f"nothing tells of its erasure (event {ids[1]})" in verdict
    aged = f"1 details from before {moment(timezone.now())}"
    record(
        Entry(
            world.organization.id, Actor.system("tester"), "retention_forgot", "organization", uuid.uuid4(), reason=aged
        )
    )
    seal.passes()
    again = excerpt(seal, world, 2, 4)
    assert (ours(seal, again), theirs(seal, standalone, again)) == ("", "")


def test_asking_and_taking_it_are_events_and_each_download_is_one(seal: Seal, world: World, page: Any) -> None:
    auditor = page("auditor")
    auditor.post("/audit/export/", {"since": "", "until": ""})
    work_off(seal, passes=False)
    asked = Inquiry.objects.get()
    for _ in range(2):
        file_of(auditor, asked)
    verbs = Event.objects.filter(subject=asked.pk).order_by("id").values_list("verb", "actor_name")
    assert list(verbs) == [
        ("export_asked", "auditor"),
        ("export_made", "sealer"),
        ("record_exported", "auditor"),
        ("record_exported", "auditor"),
    ]


@pytest.mark.parametrize(
    ("since", "until", "status"), [("yesterday", "", 400), ("2026-02-30", "", 400), ("2026-05-02", "2026-04-30", 400)]
)
def test_days_that_are_none_are_refused(seal: Seal, page: Any, since: str, until: str, status: int) -> None:
    assert page("auditor").post("/audit/export/", {"since": since, "until": until}).status_code == status
    assert not Inquiry.objects.exists()


def test_days_in_which_nothing_was_sealed_are_said_to_be_empty(seal: Seal, world: World, page: Any) -> None:
    auditor = page("auditor")
    auditor.post("/audit/export/", {"since": "2001-01-01", "until": "2001-01-02"})
    work_off(seal, passes=False)
    assert "Nothing was sealed in these days" in auditor.get("/audit/export/").content.decode()


def test_a_file_is_dropped_after_a_day_and_can_be_asked_for_again(seal: Seal, world: World, page: Any) -> None:
    auditor = page("auditor")
    auditor.post("/audit/export/", {"since": "", "until": ""})
    work_off(seal, passes=False)
    assert drop_files() == 0
    tamper("UPDATE traces_inquirypart SET created = created - interval '25 hours'")
    assert drop_files() == 1
    assert not InquiryPart.objects.exists()
    asked = Inquiry.objects.get()
    assert auditor.get(f"/audit/files/{asked.pk}/").status_code == 410
    assert "No longer kept" in auditor.get("/audit/export/").content.decode()


def test_a_file_of_another_organization_is_nowhere(seal: Seal, world: World, page: Any) -> None:
    page("auditor").post("/audit/export/", {"since": "", "until": ""})
    work_off(seal, passes=False)
    assert page("outsider").get(f"/audit/files/{Inquiry.objects.get().pk}/").status_code == 404
