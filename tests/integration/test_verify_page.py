"""The record is verified from a page: asked for, watched, and its first bad row named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.actors import person
from tests.support.asking import work_off
from tests.support.sealing import Seal, seal_in, tamper, tell
from tests.support.world import World
from traces.inquiries import InquiryBusy, export, verification
from traces.inquiry import Inquiry, Outlet
from traces.models import Block, Event


@pytest.fixture
def seal(world: World, tmp_path: Path) -> Seal:
    """A sealed record."""
    found = seal_in(tmp_path)
    tell(world.organization.id, 12)
    found.passes()
    return found


def test_an_auditor_has_the_record_verified_and_sees_how_far_it_has_come(seal: Seal, world: World, page: Any) -> None:
    auditor = page("auditor")
    assert "Not verified yet" in auditor.get("/audit/verify/").content.decode()
    assert auditor.post("/audit/verify/").status_code == 302
    waits = auditor.get("/audit/verify/live/")
    assert waits.status_code == 200
    assert "It waits for the sealer" in waits.content.decode()
    work_off(seal)
    last = auditor.get("/audit/verify/live/")
    said = last.content.decode()
    assert last.status_code == 286
    assert "Every event is as it was sealed" in said
    asked = Inquiry.objects.get()
    newest = Block.objects.of(world.organization.id).last()
    assert newest is not None
    assert (asked.found["blocks"], asked.found["checkpoints"]) == (newest.number, newest.number)
    assert asked.found["heads"][0]["head"] == asked.found["outside"]["head"] == bytes(newest.head).hex()
    assert bytes(newest.head).hex() in said
    told = Event.objects.filter(subject=asked.pk).order_by("id")
    assert [event.verb for event in told] == ["verification_asked", "verified"]


def test_t106_the_first_bad_row_is_named_on_the_page(seal: Seal, world: World, page: Any) -> None:
    victim = Event.objects.filter(organization=world.organization.id, verb="noted").order_by("id")[4]
    tamper("UPDATE traces_event SET reason = 'nothing to see' WHERE id = %s", victim.pk)
    page("auditor").post("/audit/verify/")
    work_off(seal)
    said = page("auditor").get("/audit/verify/").content.decode()
    assert "The first bad row" in said
    assert f"the event was changed (event {victim.pk})" in said
    assert Inquiry.objects.get().found["event"] == str(victim.pk)


def test_t106_a_cut_tail_is_found_by_the_checkpoints_outside_and_told_on_the_page(
    seal: Seal, world: World, page: Any
) -> None:
    tell(world.organization.id, 3)
    seal.passes()
    last = Block.objects.of(world.organization.id).last()
    assert last is not None
    ids = [bytes(last.events[at : at + 16]).hex() for at in range(0, 16 * last.count, 16)]
    tamper("DELETE FROM traces_event WHERE id = ANY(%s::uuid[])", ids)
    tamper("DELETE FROM traces_block WHERE id = %s", last.pk)
    page("auditor").post("/audit/verify/")
    work_off(seal, passes=False)
    assert f"block {last.number} is cut off" in page("auditor").get("/audit/verify/").content.decode()


def test_a_verification_that_came_to_nothing_is_told_even_when_it_is_the_only_one(
    seal: Seal, world: World, page: Any
) -> None:
    whole = seal.outside.read_bytes()
    seal.outside.write_bytes(whole.replace(b'"count"', b'"Count"'))
    page("auditor").post("/audit/verify/")
    work_off(seal, passes=False)
    said = page("auditor").get("/audit/verify/").content.decode()
    assert "It could not be verified" in said
    assert "checkpoint 1: it cannot be read" in said
    assert "Not verified yet" not in said
    assert "Verified before" not in said
    seal.outside.write_bytes(whole)
    page("auditor").post("/audit/verify/")
    work_off(seal)
    said = page("auditor").get("/audit/verify/").content.decode()
    assert "It could not be verified" not in said
    assert "Every event is as it was sealed" in said
    assert "checkpoint 1: it cannot be read" in said.partition("Verified before")[2]


def test_one_organizations_record_is_verified_and_nobody_elses(seal: Seal, world: World, page: Any) -> None:
    tell(world.elsewhere.id, 5)
    seal.passes()
    victim = Event.objects.filter(organization=world.elsewhere.id, verb="noted").first()
    assert victim is not None
    tamper("UPDATE traces_event SET reason = 'x' WHERE id = %s", victim.pk)
    page("auditor").post("/audit/verify/")
    page("outsider").post("/audit/verify/")
    work_off(seal)
    assert "Every event is as it was sealed" in page("auditor").get("/audit/verify/").content.decode()
    assert str(victim.pk) in page("outsider").get("/audit/verify/").content.decode()


def test_asking_again_while_it_is_under_way_asks_for_nothing_more(seal: Seal, world: World) -> None:
    by = person(world.auditor)
    assert verification(world.organization.id, by=by) == verification(world.organization.id, by=by)
    assert Inquiry.objects.count() == 1


def test_one_person_has_three_inquiries_under_way_at_most(seal: Seal, world: World) -> None:
    by, at = person(world.auditor), timezone.now()
    for days in range(3):
        export(world.organization.id, since=at - timedelta(days=days), until=None, by=by)
    with pytest.raises(InquiryBusy):
        verification(world.organization.id, by=by)


def test_checkpoints_that_an_address_outside_does_not_take_are_told_on_the_page(
    seal: Seal, world: World, page: Any, settings: Any
) -> None:
    assert "No address outside" in page("auditor").get("/audit/verify/").content.decode()
    settings.LAM_CHECKPOINT_URL = "https://hooks.example.org/secret-path"
    at = timezone.now()
    Outlet.objects.create(pk=1, failing_since=at, due_at=at, problem="It answered 503.", attempts=4)
    said = page("auditor").get("/audit/verify/").content.decode()
    assert "hooks.example.org has not taken them since" in said
    assert "It answered 503." in said
    assert "4 attempts" in said
    assert "secret-path" not in said
