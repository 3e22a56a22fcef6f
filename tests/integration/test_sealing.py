"""The record is sealed: what was written cannot be changed, removed, reordered, added to or cut off unseen."""

import threading
import uuid
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction

from tests.support.sealing import Seal, lines, seal_in, tamper, tell
from tests.support.sql import speaking_as
from tests.support.world import World
from traces.models import Block, Event


@pytest.fixture
def seal(world: World, tmp_path: Path) -> Seal:
    """A sealer that has not begun."""
    return seal_in(tmp_path)


def test_everything_that_is_written_is_sealed_once_and_verifies(seal: Seal, world: World) -> None:
    tell(world.organization.id, 2300)
    tell(world.elsewhere.id, 3)
    seal.passes()
    here, there = seal.report(world.organization.id), seal.report(world.elsewhere.id)
    assert (here.problems, there.problems) == ([], [])
    assert here.events == Event.objects.filter(organization=world.organization.id).count() >= 2300
    assert there.events == Event.objects.filter(organization=world.elsewhere.id).count()
    assert here.blocks == here.checkpoints >= 3
    assert seal.passes() == 0


def test_an_event_that_commits_late_is_sealed_when_it_has_ended_and_leaves_no_hole(seal: Seal, world: World) -> None:
    begun, go = threading.Event(), threading.Event()

    def late() -> None:
        try:
            with transaction.atomic():
                tell(world.organization.id, 1, verb="late")
                begun.set()
                go.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=late)
    thread.start()
    assert begun.wait(30)
    tell(world.organization.id, 5)
    seal.passes(wait=False)
    early = seal.report(world.organization.id)
    go.set()
    thread.join()
    tell(world.organization.id, 1)
    seal.passes()
    after = seal.report(world.organization.id)
    assert (early.problems, after.problems) == ([], [])
    assert after.events == Event.objects.filter(organization=world.organization.id).count()
    assert Event.objects.filter(verb="late").count() == 1


def test_a_transaction_that_is_rolled_back_leaves_no_hole_and_no_alarm(seal: Seal, world: World) -> None:
    tell(world.organization.id, 2)
    with transaction.atomic():
        tell(world.organization.id, 2, verb="never")
        transaction.set_rollback(True)
    tell(world.organization.id, 2)
    seal.passes()
    report = seal.report(world.organization.id)
    assert report.problems == []
    assert next(block.first for block in Block.objects.of(world.organization.id)) == 1


def _middle(world: World, place: int = 5) -> Event:
    return list(Event.objects.filter(organization=world.organization.id).order_by("transaction", "id"))[place]


def test_t106_an_edited_event_is_found_and_named(seal: Seal, world: World) -> None:
    tell(world.organization.id, 20)
    seal.passes()
    victim = _middle(world)
    assert tamper("UPDATE traces_event SET reason = 'nothing to see' WHERE id = %s", victim.pk) == 1
    report = seal.report(world.organization.id)
    assert [(p.what, p.event) for p in report.problems] == [("the event was changed", str(victim.pk))]


def test_t106_an_edited_detail_is_found_and_named(seal: Seal, world: World) -> None:
    tell(world.organization.id, 20)
    seal.passes()
    victim = _middle(world)
    tamper("UPDATE traces_eventdetail SET detail = '{}' WHERE event = %s", victim.pk)
    report = seal.report(world.organization.id)
    assert [(p.what, p.event) for p in report.problems] == [("the event’s detail was changed", str(victim.pk))]


def test_t106_a_deleted_event_is_found_and_named(seal: Seal, world: World) -> None:
    tell(world.organization.id, 20)
    seal.passes()
    victim = _middle(world)
    tamper("DELETE FROM traces_event WHERE id = %s", victim.pk)
    report = seal.report(world.organization.id)
    assert [(p.what, p.event) for p in report.problems] == [("the event is missing", str(victim.pk))]


def test_t106_a_deleted_detail_that_no_erasure_tells_of_is_found(seal: Seal, world: World) -> None:
    tell(world.organization.id, 20)
    seal.passes()
    victim = _middle(world)
    tamper("DELETE FROM traces_eventdetail WHERE event = %s", victim.pk)
    report = seal.report(world.organization.id)
    assert [p.event for p in report.problems] == [str(victim.pk)]
    assert "nothing tells of its erasure" in report.problems[0].what


def test_t106_two_events_whose_places_were_swapped_are_found(seal: Seal, world: World) -> None:
    tell(world.organization.id, 20)
    seal.passes()
    one, other = _middle(world, 5), _middle(world, 9)
    free = uuid.uuid4()
    for new, old in ((free, one.pk), (one.pk, other.pk), (other.pk, free)):
        tamper("UPDATE traces_event SET id = %s WHERE id = %s", new, old)
    report = seal.report(world.organization.id)
    assert [p.event for p in report.problems if p.what == "the event was changed"] == [str(one.pk), str(other.pk)]


def test_t106_an_inserted_event_is_found_and_named(seal: Seal, world: World) -> None:
    tell(world.organization.id, 20)
    seal.passes()
    like, made = _middle(world), uuid.uuid4()
    tamper(
        "INSERT INTO traces_event SELECT (jsonb_populate_record(NULL::traces_event, to_jsonb(t) || %s)).*"
        " FROM traces_event t WHERE id = %s",
        psycopg.types.json.Jsonb({"id": str(made)}),
        like.pk,
    )
    report = seal.report(world.organization.id)
    assert [(p.what, p.event) for p in report.problems] == [("an event that was never sealed here", str(made))]


def test_t106_a_cut_tail_is_found_by_the_checkpoints_outside(seal: Seal, world: World) -> None:
    tell(world.organization.id, 20)
    seal.passes()
    tell(world.organization.id, 20)
    seal.passes()
    last = Block.objects.of(world.organization.id).last()
    assert last is not None
    tamper("DELETE FROM traces_event WHERE organization = %s AND transaction >= %s", world.organization.id, 0)
    tamper("DELETE FROM traces_block WHERE id = %s", last.pk)
    report = seal.report(world.organization.id)
    assert f"block {last.number} is cut off" in str(report.problems[-1])


def test_t106_a_record_that_was_rewritten_whole_is_found_by_its_signatures(
    seal: Seal, world: World, tmp_path: Path
) -> None:
    tell(world.organization.id, 20)
    seal.passes()
    tamper("UPDATE traces_event SET reason = 'rewritten' WHERE organization = %s", world.organization.id)
    tamper("DELETE FROM traces_block")
    (tmp_path / "forger").mkdir()
    forger = seal_in(tmp_path / "forger")
    assert forger.passes()
    report = seal.report(world.organization.id)
    assert "not signed by a key that is known" in report.problems[0].what
    assert any("checkpoint outside" in p.what for p in report.problems)


def test_after_a_restore_a_new_chain_begins_and_the_missing_blocks_are_told(seal: Seal, world: World) -> None:
    tell(world.organization.id, 20)
    seal.passes()
    tell(world.organization.id, 20)
    seal.passes()
    last = Block.objects.of(world.organization.id).last()
    assert last is not None
    ids = [uuid.UUID(bytes=bytes(last.events[at : at + 16])) for at in range(0, 16 * last.count, 16)]
    tamper("DELETE FROM traces_event WHERE id = ANY(%s)", ids)
    tamper("DELETE FROM traces_eventdetail WHERE event = ANY(%s)", ids)
    tamper("DELETE FROM traces_block WHERE id = %s", last.pk)
    seal.begin()
    tell(world.organization.id, 3)
    seal.passes()
    report = seal.report(world.organization.id)
    assert seal.chain.number == 2
    assert [str(p) for p in report.problems] == [
        f"chain 1: block {last.number} is cut off: a checkpoint outside the database tells of it"
    ]
    seal.begin()
    assert seal.chain.number == 2, "it begins once, and not at every start"


def test_after_a_restore_no_further_chain_begins_for_somebody_who_wrote_nothing_since(seal: Seal, world: World) -> None:
    tell(world.organization.id, 2)
    tell(world.elsewhere.id, 2)
    seal.passes()
    lost = Block.objects.of(world.elsewhere.id).last()
    assert lost is not None
    tamper("DELETE FROM traces_event WHERE organization = %s", world.elsewhere.id)
    tamper("DELETE FROM traces_block WHERE id = %s", lost.pk)
    seal.begin()
    tell(world.organization.id, 1)
    seal.passes()
    seal.begin()
    assert seal.chain.number == 2
    assert any("cut off" in str(problem) for problem in seal.report(world.elsewhere.id).problems)


def test_a_block_that_was_not_told_outside_before_the_sealer_died_is_told_at_the_next_start(
    seal: Seal, world: World
) -> None:
    tell(world.organization.id, 4)
    seal.passes()
    kept = seal.outside.read_bytes()
    tell(world.organization.id, 4)
    seal.passes()
    seal.outside.write_bytes(kept + b'{"block":{"cha')
    seal.begin()
    assert seal.chain.number == 1
    report = seal.report(world.organization.id)
    assert (report.problems, report.checkpoints) == ([], report.blocks)


def test_only_one_seals_at_a_time(seal: Seal, world: World) -> None:
    tell(world.organization.id, 4)
    with speaking_as("worker") as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [0x5EA1])
        assert seal.passes(wait=False) == 0
        other.rollback()
    # More where the transactions of others part them.
    assert seal.passes() >= len({e.organization for e in Event.objects.all()})
    assert seal.report(world.organization.id).intact


def test_nobody_writes_a_seal_from_the_web_and_nobody_changes_one(
    seal: Seal, world: World, as_web: psycopg.Connection, as_worker: psycopg.Connection
) -> None:
    tell(world.organization.id, 1)
    seal.passes()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_web.execute("INSERT INTO traces_block SELECT * FROM traces_block")
    as_web.rollback()
    for statement in ("UPDATE traces_block SET count = count", "DELETE FROM traces_block"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_worker.execute(statement)
        as_worker.rollback()


def test_an_export_holds_what_was_sealed_and_no_other_organizations_rows(seal: Seal, world: World) -> None:
    tell(world.organization.id, 5)
    tell(world.elsewhere.id, 5)
    seal.passes()
    said = b"".join(lines(world.organization.id))
    assert str(world.elsewhere.id).encode() not in said
    assert said.count(b'{"detail"') == Event.objects.filter(organization=world.organization.id).count()
