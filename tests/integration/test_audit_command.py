"""``manage.py audit``: verify and export from the shell; the exit status is the verdict."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.integration.test_two_verifiers import STANDALONE
from tests.support.sealing import Seal, nobody_is_older, seal_in, tamper, tell
from tests.support.up import until
from tests.support.world import World
from traces.models import Event


@pytest.fixture
def seal(world: World, tmp_path: Path, settings: object) -> Seal:
    """A sealed record, and an instance whose files lie in a folder of this test."""
    found = seal_in(tmp_path)
    settings.LAM_SEAL_KEY, settings.LAM_SEAL_PUBLIC_KEY = found.private, found.public  # type: ignore[attr-defined]
    settings.LAM_CHECKPOINTS = found.outside  # type: ignore[attr-defined]
    tell(world.organization.id, 5)
    tell(world.elsewhere.id, 5)
    found.passes()
    return found


def audit(*words: str) -> str:
    """The command's output. Raises CommandError as it would end with status 1."""
    out = io.StringIO()
    call_command("audit", *words, stdout=out, stderr=out)
    return out.getvalue()


def test_an_intact_record_is_said_to_be_intact_for_every_organization(seal: Seal) -> None:
    said = audit("verify")
    assert said.count(": intact: ") == 2


def test_a_changed_record_names_the_row_and_ends_with_an_error(seal: Seal, world: World) -> None:
    victim = Event.objects.filter(organization=world.organization.id, verb="noted").order_by("id")[2]
    tamper("UPDATE traces_event SET verb = 'approved' WHERE id = %s", victim.pk)
    out = io.StringIO()
    with pytest.raises(CommandError, match="not as it was sealed"):
        call_command("audit", "verify", stdout=out)
    assert f"the event was changed (event {victim.pk})" in out.getvalue()
    assert out.getvalue().count(": intact: ") == 1, "the other organization's is"


def test_missing_checkpoints_are_said_and_wrong_ones_refused(seal: Seal) -> None:
    kept = seal.outside.read_bytes()
    seal.outside.unlink()
    assert "a tail that was cut off is not found" in audit("verify")
    seal.outside.write_bytes(kept.replace(b'"number":1', b'"number":2', 1))
    with pytest.raises(CommandError, match="checkpoint 1: its signature does not hold"):
        audit("verify")


def test_what_is_exported_verifies_here_and_elsewhere_while_more_is_sealed_and_the_export_is_remembered(
    seal: Seal, world: World, tmp_path: Path
) -> None:
    place = tmp_path / "record.jsonl"
    audit("export", "--organization", "demo", "--to", str(place))
    tell(world.organization.id, 2)
    seal.passes()
    kept = f"{place}.checkpoints"
    assert ": intact: " in audit("verify", "--export", str(place), "--checkpoints", kept)
    other = subprocess.run(
        [sys.executable, "-I", str(STANDALONE), str(place), str(seal.public), "--checkpoints", kept],
        capture_output=True,
        text=True,
        check=False,
    )
    assert other.returncode == 0, other.stdout
    assert str(world.elsewhere.id) not in place.read_text() + Path(kept).read_text()
    assert Event.objects.filter(verb="record_exported", organization=world.organization.id).count() == 1


def test_t106_an_export_that_is_cut_or_older_than_the_checkpoints_says_what_to_do_in_both_verifiers(
    seal: Seal, world: World, tmp_path: Path
) -> None:
    place = tmp_path / "record.jsonl"
    audit("export", "--organization", "demo", "--to", str(place))
    tell(world.organization.id, 2)
    seal.passes()
    out = io.StringIO()
    with pytest.raises(CommandError, match="not as it was sealed"):
        call_command("audit", "verify", "--export", str(place), stdout=out)
    assert "or the export is older than the newest checkpoint" in out.getvalue()
    words = [sys.executable, "-I", str(STANDALONE), str(place), str(seal.public), "--checkpoints", str(seal.outside)]
    other = subprocess.run(words, capture_output=True, text=True, check=False)
    assert other.returncode == 1
    assert "or the export is older than the newest checkpoint" in other.stdout


def test_a_file_that_is_no_export_is_refused_with_its_line(seal: Seal, tmp_path: Path) -> None:
    place = tmp_path / "x"
    place.write_text("{}\n")
    with pytest.raises(CommandError, match="line 1"):
        audit("verify", "--export", str(place))


def test_sealing_once_from_the_shell_says_how_many_blocks_that_made(seal: Seal, world: World) -> None:
    tell(world.organization.id, 1)
    until(nobody_is_older, 120, "older transactions of the cluster have ended")
    out = io.StringIO()
    call_command("seal", "--once", stdout=out)
    assert out.getvalue() == "1\n"


def test_a_key_that_is_none_stops_the_sealer_at_its_start(seal: Seal) -> None:
    seal.private.write_text("no key")
    with pytest.raises(CommandError, match="not an unencrypted Ed25519 private key"):
        call_command("seal", "--once")
