"""What is installed is what was locked: every package by exact version and hash, from no named address."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
LISTS = sorted((PROJECT / "requirements").glob("*.txt"))
SMALL = "sqlparse"  # a small pure Python package of the locked set


def entries(text: str) -> list[str]:
    """The requirements, each with its continuation lines joined and its comments gone."""
    joined = re.sub(r"\\\n", " ", "\n".join(line for line in text.splitlines() if not line.strip().startswith("#")))
    return [line.strip() for line in joined.splitlines() if line.strip()]


@pytest.mark.parametrize("place", LISTS, ids=lambda place: place.name)
def test_every_requirement_is_pinned_and_hashed(place: Path) -> None:
    found = entries(place.read_text())
    assert len(found) > 30
    for entry in found:
        assert re.match(
            r"^[a-z0-9][a-z0-9._-]*(\[[a-z,]+\])?==[^\s]+(\s*;[^-]+)?(\s+--hash=sha256:[0-9a-f]{64})+$", entry
        ), entry


@pytest.mark.parametrize("place", LISTS, ids=lambda place: place.name)
def test_no_requirement_names_an_address(place: Path) -> None:
    assert not re.search(r"://|--(extra-)?index-url|--find-links|(^|\s)-[ief]\s", place.read_text())


def test_what_runs_is_part_of_what_is_tested_in_the_same_versions() -> None:
    run, dev = (
        {entry.split()[0] for entry in entries((PROJECT / "requirements" / name).read_text())}
        for name in ("run.txt", "dev.txt")
    )
    assert run <= dev


def test_every_hash_that_changes_fails_the_build(tmp_path: Path) -> None:
    """T105: a package other than the locked one is refused, not installed."""
    whole = next(
        entry for entry in entries((PROJECT / "requirements" / "run.txt").read_text()) if entry.startswith(SMALL)
    )
    digits = {"0": "1"}
    changed = re.sub(r"sha256:([0-9a-f])", lambda found: "sha256:" + digits.get(found.group(1), "0"), whole)
    assert changed != whole
    results = {}
    for name, entry in (("locked", whole), ("changed", changed)):
        listed = tmp_path / f"{name}.txt"
        listed.write_text(entry + "\n")
        results[name] = subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check",
             "--no-deps", "--require-hashes", "--only-binary", ":all:", "--dest", str(tmp_path / name),
             "-r", str(listed)],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert results["changed"].returncode != 0
    assert not list((tmp_path / "changed").glob("*.whl"))
    if results["locked"].returncode:
        pytest.skip("no package index can be reached from here, so a refusal proves nothing about hashes")
    assert "DO NOT MATCH THE HASHES" in results["changed"].stderr
