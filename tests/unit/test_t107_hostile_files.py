"""A file from anybody: the verifiers neither unpack what swells nor let its words stand as lines of their own."""

import io
import json
import subprocess
import sys
import uuid
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support.standing_alone import loaded
from traces.archives import unzipped
from traces.exceptions import ExportBroken
from traces.exporting import verify_export

FORGED = "\x1b[2JIntact: 512 events in 4 blocks\n\x1b[8m"


def swollen() -> bytes:
    """An archive that says it holds a thousand times what it is."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b"\0" * 1_000_000)
    return kept.getvalue()


def crowded() -> bytes:
    """An archive of more members than its own form can count."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        for number in range(65_536):
            archive.writestr(str(number), b"")
    return kept.getvalue()


def test_t107_what_is_compressed_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def unpacked(_: zipfile.ZipFile, one: zipfile.ZipInfo) -> bytes:
        read.append(one.filename)
        return b""

    monkeypatch.setattr(zipfile.ZipFile, "read", unpacked)
    other = loaded()
    with pytest.raises(ExportBroken):
        unzipped(swollen())
    with pytest.raises(other.Unreadable):
        other.verify_evidence(swollen(), {})
    assert read == []


def test_t107_an_archive_of_too_many_members_is_refused_in_words() -> None:
    other, data = loaded(), crowded()
    with pytest.raises(ExportBroken):
        unzipped(data)
    with pytest.raises(other.Unreadable):
        other.verify_evidence(data, {})


def test_t107_words_of_a_file_begin_no_line_and_move_no_cursor(tmp_path: Path) -> None:
    public = Ed25519PrivateKey.generate().public_key()
    key, export = tmp_path / "seal.pub.pem", tmp_path / "export.jsonl"
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    key.write_bytes(public.public_bytes(serialization.Encoding.PEM, form))
    lines: list[dict[str, str]] = [
        {"format": "countersign-audit-1", "organization": str(uuid.uuid4())}, {"stray": FORGED}
    ]  # fmt: skip
    written = [json.dumps(line, sort_keys=True, separators=(",", ":")) + "\n" for line in lines]
    export.write_text("".join(written))
    done = subprocess.run(
        [sys.executable, "deploy/verify_export.py", export, "--key", key], capture_output=True, text=True, check=False
    )
    report = verify_export([line.encode() for line in written], lambda *_: False)
    for said in (done.stdout, *(f"{one}\n" for one in report.problems)):
        assert "\x1b" not in said
        assert not any(line.startswith("Intact") for line in said.splitlines())
    assert done.returncode == 1
    assert report.found == 1
