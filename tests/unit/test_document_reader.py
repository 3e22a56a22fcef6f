"""The process that reads documents: what it is given, and what becomes of one that does not end well."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lam_app.attachments import pdf as reader
from lam_app.attachments.exceptions import AttachmentRefused, ReaderBusy
from tests.support.files import pdf


def instead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str) -> None:
    """Have this program read documents."""
    child = tmp_path / "child.py"
    child.write_text(program)
    monkeypatch.setattr(reader, "CHILD", child)


def test_it_has_no_environment_and_stands_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_KEY", "a secret of the web role")
    told = "import json, os, sys\nprint(json.dumps({'pages': 1, 'text': repr([dict(os.environ), os.getcwd()])}))"
    instead(monkeypatch, tmp_path, told)
    text, _ = reader.read(pdf())
    assert "secret" not in text
    assert text.endswith("'/']")


def test_its_limits_are_set_before_it_reads_and_cannot_be_raised() -> None:
    asked = (
        "import resource, sys; sys.path.insert(0, sys.argv[1])\n"
        "import pdf_child as c; c.bound()\n"
        "print([resource.getrlimit(l) for l in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE)])"
    )
    found = subprocess.run(
        [sys.executable, "-c", asked, str(reader.CHILD.parent)], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[(600000000, 600000000), (10, 10), (0, 0)]"


def test_one_that_takes_too_much_memory_ends_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    greedy = (
        f"import sys; sys.path.insert(0, {str(reader.CHILD.parent)!r})\n"
        "import pdf_child; pdf_child.bound(); held = bytearray(2_000_000_000)"
    )
    instead(monkeypatch, tmp_path, greedy)
    with pytest.raises(AttachmentRefused, match="unfolds into more"):
        reader.read(pdf())


def test_one_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    instead(monkeypatch, tmp_path, "import threading; threading.Event().wait()")
    monkeypatch.setattr(reader, "MOST_SECONDS", 0.5)
    begun: list[Any] = []
    whole = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: begun.append(whole(*a, **k)) or begun[-1])
    with pytest.raises(AttachmentRefused, match="unfolds into more"):
        reader.read(pdf())
    assert [one.poll() is not None for one in begun] == [True]


@pytest.mark.parametrize("said", ["print('[]')", "print('no JSON')", "pass", "print('x' * 5_000_000)"])
def test_an_answer_that_is_none_is_a_broken_document(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str
) -> None:
    instead(monkeypatch, tmp_path, said)
    with pytest.raises(AttachmentRefused, match="cannot be read"):
        reader.read(pdf())


def test_more_documents_than_places_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "WAIT_SECONDS", 0.01)
    taken = [reader._places.acquire() for _ in range(reader.AT_ONCE)]
    try:
        with pytest.raises(ReaderBusy):
            reader.read(pdf())
    finally:
        for _ in taken:
            reader._places.release()
    assert reader.read(pdf())[0].strip()
