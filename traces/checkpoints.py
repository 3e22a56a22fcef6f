"""Checkpoints outside the database: a file to which every block's signed statement is appended once it is committed.

Whoever owns the database can cut off its tail or write all of it anew; this file still tells what was there. Keep it on
another disk, or copy it away: it is small, and each line proves itself by its signature.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from traces.chain import Statement, written
from traces.exceptions import ExportBroken
from traces.verifier import Signed


def append(path: Path, kept: list[tuple[Statement, bytes]]) -> None:
    """Write statements and their signatures, and have them on the disk before this returns."""
    lines = "".join(
        written({"block": statement.to_json(), "signature": signature.hex()}) + "\n" for statement, signature in kept
    )
    new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.ftruncate(descriptor, _whole(path))  # a line that a crash cut short is written again by its sealer
        data = lines.encode()
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if new:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read(path: Path, signed: Signed, organization: str = "") -> Iterator[Statement]:
    """The statements of a file, each with a signature that holds; with ``organization`` its own alone.

    A last line that was cut short by a crash is passed over. Raises ExportBroken for any other line that is not as it
    was written, and OSError.
    """
    data = path.read_bytes()
    whole, _, _cut = data.rpartition(b"\n")
    own = _owned(organization) if organization else b""
    for number, line in enumerate(whole.split(b"\n") if whole else (), 1):
        if not line or (own and own not in line):
            continue
        try:
            said: dict[str, Any] = json.loads(line)
            statement = Statement(**said["block"])
            holds = signed(statement.kid, bytes.fromhex(said["signature"]), statement.message())
        except (ValueError, TypeError, KeyError) as wrong:
            raise ExportBroken(f"checkpoint {number}: it cannot be read") from wrong
        if not holds:
            raise ExportBroken(f"checkpoint {number}: its signature does not hold")
        yield statement


def copy(path: Path, organization: str, to: Path) -> int:
    """Write one organization's lines to another file, as they are; how many. It shows nobody else's.

    Take it before the rows are read: a checkpoint of what came later would look like a tail that was cut off.
    """
    own = _owned(organization)
    lines = [line for line in path.read_bytes().splitlines(keepends=True) if own in line and line.endswith(b"\n")]
    to.write_bytes(b"".join(lines))
    return len(lines)


def heads(path: Path, signed: Signed) -> dict[str, dict[tuple[int, int], str]]:
    """For each organization the head after each block (chain, number) that the file tells of.

    Raises ExportBroken, and OSError, as ``read``; also where two lines tell of one block differently: then the record
    went on twice from the same place, and both cannot be it.
    """
    found: dict[str, dict[tuple[int, int], str]] = {}
    for statement in read(path, signed):
        own, block = found.setdefault(statement.organization, {}), (statement.chain, statement.number)
        if own.setdefault(block, statement.head) != statement.head:
            raise ExportBroken(f"block {block[1]} of chain {block[0]} is told of twice, and differently")
    return found


def _owned(organization: str) -> bytes:
    """What stands on every line of an organization."""
    return f'"organization":"{organization}"'.encode()


def _whole(path: Path) -> int:
    """How many bytes of the file are whole lines."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        end = size
        while end:
            start = max(0, end - 65536)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
    return 0
