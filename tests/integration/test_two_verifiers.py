"""Two verifiers that share no code: both find every change of an export, and name the same first bad row."""

import importlib.util
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from lam_app.sealing import verifying
from tests.support.sealing import Seal, lines, seal_in, tamper, tell
from tests.support.world import World
from traces import checkpoints
from traces.chain import written
from traces.exceptions import ExportBroken
from traces.exporting import verify_export
from traces.models import Block, Event
from traces.services import Actor, Entry, record

STANDALONE = Path(__file__).parents[2] / "deploy" / "verify_export.py"
MUTATIONS = int(os.environ.get("N", "400"))
SEED = int(os.environ.get("SEED", "2026"))


@pytest.fixture(scope="module")
def standalone() -> ModuleType:
    """The file that auditors are given, as a module."""
    spec = importlib.util.spec_from_file_location("verify_export", STANDALONE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def seal(world: World, tmp_path: Path) -> Seal:
    """A small sealed record in two blocks."""
    found = seal_in(tmp_path)
    tell(world.organization.id, 6)
    found.passes()
    tell(world.organization.id, 6)
    found.passes()
    return found


def ours(seal: Seal, said: list[bytes]) -> str:
    """The product's verdict on an export: empty, or the first thing that is wrong."""
    try:
        report = verify_export(said, verifying(seal.public))
    except ExportBroken as broken:
        return str(broken)
    return str(report.problems[0]) if report.problems else ""


def theirs(seal: Seal, module: ModuleType, said: list[bytes]) -> str:
    """The other verifier's."""
    try:
        reading = module.verify(said, module.keys_in(seal.public))
    except module.Unreadable as broken:
        return str(broken)
    return reading.wrong[0] if reading.wrong else ""


def test_t107_every_single_byte_of_an_export_counts_for_both_verifiers(
    seal: Seal, world: World, standalone: ModuleType
) -> None:
    said = lines(world.organization.id)
    assert (ours(seal, said), theirs(seal, standalone, said)) == ("", "")
    whole = b"".join(said)
    chance = random.Random(SEED)
    unseen = []
    for _ in range(MUTATIONS):
        at = chance.randrange(len(whole))
        byte = chance.choice([b for b in range(256) if b != whole[at]])
        changed = (whole[:at] + bytes([byte]) + whole[at + 1 :]).splitlines(keepends=True)
        changed = _as_a_file_reads(b"".join(changed))
        if not ours(seal, changed) or not theirs(seal, standalone, changed):
            unseen.append((at, whole[max(0, at - 20) : at + 20], byte))
    assert unseen == []


def _as_a_file_reads(data: bytes) -> list[bytes]:
    parts = data.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE traces_event SET actor_name = 'somebody else' WHERE id = %s",
        "DELETE FROM traces_event WHERE id = %s",
        "UPDATE traces_eventdetail SET detail = '{\"number\":7}' WHERE event = %s",
        "UPDATE traces_event SET transaction = transaction + 1 WHERE id = %s",
        "UPDATE traces_event SET at = at - interval '1 microsecond' WHERE id = %s",
    ],
)
def test_t106_both_verifiers_name_the_row_that_was_changed_in_the_database(
    seal: Seal, world: World, standalone: ModuleType, sql: str
) -> None:
    victim = list(Event.objects.filter(organization=world.organization.id).order_by("transaction", "id"))[4]
    assert tamper(sql, victim.pk) == 1
    said = lines(world.organization.id)
    mine, other = ours(seal, said), theirs(seal, standalone, said)
    assert str(victim.pk) in mine
    assert mine.replace("’", "'") == other


def test_t106_both_see_a_cut_tail_when_they_are_given_the_checkpoints(
    seal: Seal, world: World, standalone: ModuleType
) -> None:
    last = Block.objects.of(world.organization.id).last()
    assert last is not None
    ids = [bytes(last.events[at : at + 16]).hex() for at in range(0, 16 * last.count, 16)]
    tamper("DELETE FROM traces_event WHERE id = ANY(%s::uuid[])", ids)
    tamper("DELETE FROM traces_block WHERE id = %s", last.pk)
    said, signed = lines(world.organization.id), verifying(seal.public)
    kept = checkpoints.heads(seal.outside, signed)
    mine = verify_export(said, signed, outside=lambda organization: kept.get(organization, {}))
    keys = standalone.keys_in(seal.public)
    other = standalone.verify(said, keys, standalone.checkpoints_in(seal.outside, keys))
    assert [str(p) for p in mine.problems] == other.wrong
    assert "cut off" in other.wrong[0]


def test_a_detail_that_the_record_says_was_erased_is_no_alarm_for_either(
    seal: Seal, world: World, standalone: ModuleType
) -> None:
    victim = Event.objects.filter(organization=world.organization.id).order_by("transaction", "id")[4]
    tamper("DELETE FROM traces_eventdetail WHERE event = %s", victim.pk)
    before = ours(seal, lines(world.organization.id))
    record(
        Entry(
            organization=world.organization.id,
            actor=Actor.system("tester"),
            verb="erased",
            subject_kind="event",
            subject=victim.pk,
            reason="the person asked",
        )
    )
    seal.passes()
    said = lines(world.organization.id)
    assert "nothing tells of its erasure" in before
    assert (ours(seal, said), theirs(seal, standalone, said)) == ("", "")


def test_the_standalone_file_needs_nothing_but_python(seal: Seal, world: World, tmp_path: Path) -> None:
    place = tmp_path / "record.jsonl"
    place.write_bytes(b"".join(lines(world.organization.id)))
    run = [
        sys.executable,
        "-I",
        "-S",
        str(STANDALONE),
        str(place),
        str(seal.public),
        "--checkpoints",
        str(seal.outside),
    ]
    intact = subprocess.run(run, capture_output=True, text=True, check=False)
    place.write_bytes(place.read_bytes().replace(b'"tester"', b'"taster"', 1))
    changed = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (intact.returncode, intact.stdout.split(":")[0]) == (0, "Intact")
    assert changed.returncode == 1
    assert "the event was changed" in changed.stdout


@pytest.mark.parametrize("moved", [1, 5, None], ids=["a byte", "some", "all"])
def test_t107_no_byte_of_a_detail_passes_for_salt_with_either(
    seal: Seal, world: World, standalone: ModuleType, moved: int | None
) -> None:
    said = lines(world.organization.id)
    at, event = next((at, json.loads(line)) for at, line in enumerate(said) if json.loads(line).get("detail"))
    detail: str = event["detail"]
    cut = len(detail) if moved is None else moved
    event["salt"] += detail[:cut].encode().hex()
    event["detail"] = detail[cut:]
    said[at] = (written(event) + "\n").encode()
    mine, other = ours(seal, said), theirs(seal, standalone, said)
    assert "detail was changed" in mine
    assert mine.replace("’", "'") == other


def test_t107_nothing_stands_in_the_place_of_an_erased_detail(seal: Seal, world: World, standalone: ModuleType) -> None:
    said = lines(world.organization.id)
    at, event = next((at, json.loads(line)) for at, line in enumerate(said) if json.loads(line).get("detail"))
    for forged in ({"salt": None, "detail": "{}"}, {"detail": None}):
        said[at] = (written({**event, **forged}) + "\n").encode()
        mine, other = ours(seal, said), theirs(seal, standalone, said)
        assert "detail was changed" in mine
        assert mine.replace("’", "'") == other
