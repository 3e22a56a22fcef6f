"""Evidence of an action or a run: asked for on a page, made by the sealer, checked by whoever gets it, offline."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.management import call_command

from accounts.actors import person
from approvals.models import Action
from approvals.tasks import execute_permitted, sign_permits
from lam_app.sealing import verifying, working
from tests.integration.test_two_verifiers import STANDALONE, standalone
from tests.support.racing import acting_as
from tests.support.sealing import Seal, seal_in, tamper
from tests.support.world import World, approved
from traces.archives import RECORD, bound, opened, zipped
from traces.attested import verify_evidence
from traces.exceptions import ExportBroken
from traces.inquiries import evidence, fetched, pieces
from traces.inquiry import Inquiry
from traces.models import Block, Event

__all__ = ["standalone"]
MUTATIONS = int(os.environ.get("N", "150"))
SEED = int(os.environ.get("SEED", "2026"))


@pytest.fixture
def seal(world: World, tmp_path: Path) -> Seal:
    """A sealer that has not begun."""
    return seal_in(tmp_path)


def work_off(seal: Seal) -> None:
    """Be the sealer until nothing is asked for, with its account's rights."""
    seal.passes()
    with acting_as("worker"):
        work = working(seal.key, seal.public, seal.outside)
        while work.go_on(30):
            pass


def done(world: World, run: Any = None, **changes: Any) -> Action:
    """An action that a person approved and that was carried out."""
    action = world.staged(**({"run": run.id} if run else {}), **changes)
    approved(world, action)
    sign_permits()
    execute_permitted()
    return Action.objects.get(pk=action.pk)


def made(world: World, seal: Seal, action: Action, *, by: str = "auditor", of: str = "action") -> bytes:
    """The archive that this person asked for."""
    subject = action.pk if of == "action" else action.run
    asked = evidence(world.organization.id, subject_kind=of, subject=subject, by=person(world.people[by]))
    work_off(seal)
    asked.refresh_from_db()
    assert (asked.state, asked.problem) == ("done", "")
    return b"".join(pieces(asked.pk))


def ours(seal: Seal, data: bytes) -> str:
    """The product's verdict: empty, or the first thing that is wrong."""
    signed = verifying(seal.public)
    try:
        report = verify_evidence(data, signed)
    except ExportBroken as broken:
        return str(broken)
    return str(report.problems[0]) if report.problems else ""


def theirs(seal: Seal, module: ModuleType, data: bytes) -> str:
    """The other verifier's."""
    try:
        _, reading = module.verify_evidence(data, module.keys_in(seal.public))
    except module.Unreadable as broken:
        return str(broken)
    return reading.wrong[0] if reading.wrong else ""


def documents(data: bytes) -> dict[str, Any]:
    """The archive's JSON documents by name."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return {name: json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json")}


def test_an_archive_says_who_asked_decided_set_the_rule_and_owns_the_tool_and_both_verifiers_hold_it(
    seal: Seal, world: World, standalone: ModuleType
) -> None:
    tool = world.tool()
    tool.owner = world.administrator
    tool.save()
    action = done(world)
    data = made(world, seal, action)
    assert (ours(seal, data), theirs(seal, standalone, data)) == ("", "")
    said = documents(data)
    one = said["manifest.json"]["told"][0]
    assert (one["asked"]["for"], one["decided"][0]["by"]) == ("operator", "reviewer")
    assert (one["rule"]["policy_version"], one["tool"]["owner"]) == (1, "administrator")
    assert said["action.json"]["digest"] == action.digest
    assert said["execution.json"]["status"] == "done"
    assert said["permits.json"][0]["token"]
    with zipfile.ZipFile(BytesIO(data)) as archive:
        page = archive.read("card.html").decode()
    assert action.summary in page
    assert " hx-" not in page
    assert "src=" not in page
    assert 'href="/' not in page


def test_words_that_look_like_markup_stay_words_on_the_kept_card(seal: Seal, world: World) -> None:
    words = 'Fill in the form hidden below <a href="/x" hx-get="/y">'
    data = made(world, seal, done(world, arguments={"to": "customer of order 1009", "body": words}))
    with zipfile.ZipFile(BytesIO(data)) as archive:
        page = archive.read("card.html").decode()
    assert "Fill in the form hidden below &lt;a href=&quot;/x&quot; hx-get=&quot;/y&quot;&gt;" in page


def test_t107_every_single_byte_of_an_archive_counts_for_both_verifiers(
    seal: Seal, world: World, standalone: ModuleType
) -> None:
    data = made(world, seal, done(world))
    chance = random.Random(SEED)
    unseen = []
    for _ in range(MUTATIONS):
        at = chance.randrange(len(data))
        byte = chance.choice([b for b in range(256) if b != data[at]])
        changed = data[:at] + bytes([byte]) + data[at + 1 :]
        if not ours(seal, changed) or not theirs(seal, standalone, changed):
            unseen.append((at, data[max(0, at - 20) : at + 20], byte))
    assert unseen == []


@pytest.mark.parametrize("name", ["decisions.json", "record.jsonl", "card.html", "manifest.json", "manifest.sig"])
def test_t107_a_document_that_is_left_out_or_exchanged_is_found_by_both(
    seal: Seal, world: World, standalone: ModuleType, name: str
) -> None:
    data = made(world, seal, done(world))
    with zipfile.ZipFile(BytesIO(data)) as archive:
        members = [(one, archive.read(one)) for one in archive.namelist()]
    without = zipped([(one, content) for one, content in members if one != name])
    other = zipped([(one, content + b" " if one == name else content) for one, content in members])
    added = zipped([*members, ("more.txt", b"and this")])
    for changed in (without, other, added):
        assert ours(seal, changed)
        assert theirs(seal, standalone, changed)


def test_nobody_elses_key_vouches_for_an_archive(
    seal: Seal, world: World, standalone: ModuleType, tmp_path: Path
) -> None:
    action = done(world)
    (tmp_path / "forger").mkdir()
    forger = seal_in(tmp_path / "forger")
    seal.passes()
    Inquiry.objects.filter(state="waiting").update(state="failed")
    asked = evidence(world.organization.id, subject_kind="action", subject=action.pk, by=person(world.auditor))
    with acting_as("worker"):
        work = working(forger.key, forger.public, forger.outside)
        while work.go_on(30):
            pass
    data = b"".join(pieces(asked.pk))
    assert ours(forger, data), "its blocks are signed by the real key"
    assert "not signed by a key that is known" in ours(seal, data)
    assert "not signed by a key that is known" in theirs(seal, standalone, data)


def test_the_standalone_file_checks_an_archive_and_so_does_the_command(
    seal: Seal, world: World, tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.LAM_SEAL_PUBLIC_KEY, settings.LAM_CHECKPOINTS = seal.public, seal.outside
    place = tmp_path / "evidence.zip"
    place.write_bytes(made(world, seal, done(world)))
    run = [sys.executable, "-I", "-S", str(STANDALONE), str(place), "--key", str(seal.public)]
    intact = subprocess.run(run, capture_output=True, text=True, check=False)
    assert intact.returncode == 0, intact.stdout + intact.stderr
    assert "Decided by reviewer" in intact.stdout
    call_command("audit", "verify", export=str(place))
    assert ": intact: " in capsys.readouterr().out
    place.write_bytes(place.read_bytes()[:-1] + b"!")
    assert subprocess.run(run, capture_output=True, text=True, check=False).returncode == 1


def test_evidence_of_a_run_holds_its_actions_its_plan_and_its_report(
    seal: Seal, world: World, standalone: ModuleType
) -> None:
    run = world.run()
    first = done(world, run)
    done(world, run, step=2)
    data = made(world, seal, first, of="run")
    assert (ours(seal, data), theirs(seal, standalone, data)) == ("", "")
    said = documents(data)
    assert [one["summary"] for one in said["manifest.json"]["told"]] == [first.summary] * 2
    assert said["run.json"]["goal"] == run.goal
    assert sum(name.endswith("/action.json") for name in said) == 2


def test_the_events_of_an_archive_are_those_of_its_action_each_in_its_block(seal: Seal, world: World) -> None:
    action, other = done(world), done(world)
    data = made(world, seal, action)
    _, members = opened(data, verifying(seal.public))
    said = [json.loads(line) for line in members[RECORD].splitlines()]
    events = {one["event"][0] for one in said if "event" in one}
    about = Event.objects.filter(organization=world.organization.id, subject=action.pk)
    assert {str(event.pk) for event in about} <= events
    assert not events & {str(event.pk) for event in Event.objects.filter(subject=other.pk)}
    blocks = [one for one in said if "block" in one]
    assert 1 <= len(blocks) <= Block.objects.of(world.organization.id).count()


def test_t106_what_was_changed_in_the_database_before_an_archive_is_made_is_found_in_it(
    seal: Seal, world: World, standalone: ModuleType
) -> None:
    action = done(world)
    seal.passes()
    victim = Event.objects.filter(subject=action.pk, verb="approve").get()
    tamper("UPDATE traces_event SET actor_name = 'somebody else' WHERE id = %s", victim.pk)
    data = made(world, seal, action)
    assert "the event was changed" in ours(seal, data)
    assert str(victim.pk) in theirs(seal, standalone, data)


def test_that_it_was_asked_for_made_and_taken_is_in_the_record(seal: Seal, world: World) -> None:
    action = done(world)
    made(world, seal, action)
    asked = Inquiry.objects.get(kind="evidence")
    fetched(asked, by=person(world.auditor))
    told = Event.objects.filter(subject__in=[asked.pk, action.pk], verb__startswith="evidence").order_by("id")
    assert [(event.verb, event.actor_name) for event in told] == [
        ("evidence_asked", "auditor"),
        ("evidence_made", "sealer"),
        ("evidence_fetched", "auditor"),
    ]


def test_t107_evidence_of_which_nothing_is_sealed_and_of_two_organizations_read_the_same_for_both_verifiers(
    seal: Seal, world: World, standalone: ModuleType
) -> None:
    told, members = opened(made(world, seal, done(world)), verifying(seal.public))
    kept = {name: told[name] for name in told if name not in ("format", "kid", "members")}
    bare = bound(kept, {**members, RECORD: b""}, seal.key.kid, seal.key.sign)
    assert (ours(seal, bare), theirs(seal, standalone, bare)) == ("", "")
    assert verify_evidence(bare, verifying(seal.public)).events == 0
    mixed = bound({**kept, "organization": str(world.elsewhere.pk)}, members, seal.key.kid, seal.key.sign)
    assert "the record of another organization" in ours(seal, mixed)
    assert "the record of another organization" in theirs(seal, standalone, mixed)
    without = bound(kept, {name: members[name] for name in members if name != RECORD}, seal.key.kid, seal.key.sign)
    assert "it is missing" in ours(seal, without)
    assert "it is missing" in theirs(seal, standalone, without)


def test_it_waits_until_all_of_it_is_sealed(seal: Seal, world: World) -> None:
    action = done(world)
    asked = evidence(world.organization.id, subject_kind="action", subject=action.pk, by=person(world.auditor))
    with acting_as("worker"):
        work = working(seal.key, seal.public, seal.outside)
        assert work.go_on(30) is False, "there is nothing to do but wait"
    asked.refresh_from_db()
    assert asked.state == "waiting"
    work_off(seal)
    asked.refresh_from_db()
    assert asked.state == "done"
    assert documents(b"".join(pieces(asked.pk)))["manifest.json"]["unsealed"] == []
