"""The office's memory: records and the ledger, in one SQLite file, so that an effect and its line are one transaction.

A commit is on the disk when it returns. The ledger's rows are never changed or removed, except by a reset, which
begins the world anew. One process owns a file at a time.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from sandbox.shapes import JSON, Refused, Shape

TABLES: Final = ("record", "counter", "effect", "repeat")
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS record (
    kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (kind TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS effect (
    id INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, operation TEXT NOT NULL, arguments TEXT NOT NULL,
    key TEXT, honoured INTEGER NOT NULL, applied INTEGER NOT NULL, status INTEGER NOT NULL, answer TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_effect_a_key ON effect (key) WHERE applied AND honoured;
CREATE INDEX IF NOT EXISTS effect_key ON effect (key);
CREATE TABLE IF NOT EXISTS repeat (effect INTEGER NOT NULL REFERENCES effect (id), time TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS repeat_effect ON repeat (effect);
""" + "".join(
    f"CREATE TRIGGER IF NOT EXISTS no_{verb}_{table} BEFORE {verb} ON {table}"
    " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;\n"
    for table in ("effect", "repeat")
    for verb in ("update", "delete")
)
LINES: Final = (
    "SELECT id, time, operation, arguments, key, honoured, applied, status, answer,"
    " (SELECT count(*) FROM repeat WHERE repeat.effect = effect.id) FROM effect"
)
FIRST_NUMBER: Final = 5001
M = TypeVar("M", bound=Shape)


class Effect(NamedTuple):
    """One line of the ledger: a call that changed something, or was meant to and did not."""

    id: int
    time: str
    operation: str
    arguments: JSON
    key: str | None
    honoured: bool
    """Whether the operation remembers the key, so that a second call has no second effect."""
    applied: bool
    status: int
    answer: JSON
    repeated: int
    """How often the same call came again and was answered without doing it again."""


def now() -> str:
    """The time, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Store:
    """Records by kind and id, and the ledger. Safe to use from several threads; transactions take turns."""

    def __init__(self, path: Path | None = None, *, patience: float = 1) -> None:
        """Open the file, or a store that is gone with the process. OSError if another has it for `patience` seconds."""
        self._turn = threading.RLock()
        self._sql = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None, timeout=patience)
        try:
            self._sql.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._sql.execute("PRAGMA journal_mode = WAL")
            self._sql.execute("PRAGMA synchronous = FULL")
            self._sql.executescript(SCHEMA)
        except sqlite3.OperationalError as error:
            self._sql.close()
            raise OSError(f"{path} cannot be opened: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        with self._turn:
            self._sql.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it, or nothing when an exception passes."""
        with self._turn:
            self._sql.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._sql.execute("ROLLBACK")
                raise
            self._sql.execute("COMMIT")

    def forget(self) -> None:
        """Everything: records, numbers and the ledger. Inside a transaction."""
        for table in TABLES:
            self._sql.execute(f"DROP TABLE {table}")
        for statement in SCHEMA.split(";\n"):
            # executescript would commit what is open; a trigger's own semicolon is followed by a space.
            self._sql.execute(statement)

    def is_empty(self) -> bool:
        """Whether nothing was ever put here."""
        return self._sql.execute("SELECT 1 FROM record LIMIT 1").fetchone() is None

    # Records

    def find(self, kind: type[M], number: object) -> M | None:
        """The record of this kind and id."""
        row = self._sql.execute(
            "SELECT body FROM record WHERE kind = ? AND id = ?", (kind.__name__, str(number))
        ).fetchone()
        return kind.model_validate_json(row[0]) if row else None

    def need(self, kind: type[M], number: object, name: str) -> M:
        """The record, or a 404 that says what there is not: `There is no order 4242.`"""
        found = self.find(kind, number)
        if found is None:
            raise Refused(404, "not_found", f"There is no {name} {number}.")
        return found

    def all(self, kind: type[M]) -> list[M]:
        """Every record of a kind, by id."""
        rows = self._sql.execute("SELECT body FROM record WHERE kind = ? ORDER BY id", (kind.__name__,))
        return [kind.model_validate_json(body) for (body,) in rows]

    def put(self, number: object, record: M) -> M:
        """Keep a record, in the place of an earlier one of the same kind and id."""
        self._sql.execute(
            "INSERT INTO record VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            (type(record).__name__, str(number), record.model_dump_json()),
        )
        return record

    def drop(self, record: Shape, number: object) -> None:
        """Let go of a record."""
        self._sql.execute("DELETE FROM record WHERE kind = ? AND id = ?", (type(record).__name__, str(number)))

    def number(self, kind: str) -> int:
        """The next number of a kind; a number is never given twice."""
        (value,) = self._sql.execute(
            "INSERT INTO counter VALUES (?, ?) ON CONFLICT (kind) DO UPDATE SET value = value + 1 RETURNING value",
            (kind, FIRST_NUMBER),
        ).fetchone()
        return int(value)

    # The ledger

    def note(
        self,
        operation: str,
        arguments: JSON,
        *,
        key: str | None,
        honoured: bool,
        applied: bool,
        status: int,
        answer: JSON,
    ) -> int:
        """Write a line and return its number."""
        line = (now(), operation, json.dumps(arguments), key, honoured, applied, status, json.dumps(answer))
        cursor = self._sql.execute(
            "INSERT INTO effect (time, operation, arguments, key, honoured, applied, status, answer)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            line,
        )
        return int(cursor.lastrowid or 0)

    def note_repeat(self, effect: int) -> None:
        """The same call came again."""
        self._sql.execute("INSERT INTO repeat VALUES (?, ?)", (effect, now()))

    def ledger(self, *, operation: str | None = None, key: str | None = None) -> list[Effect]:
        """Lines in the order of their writing."""
        wanted = {"operation": operation, "key": key}
        asked = {column: value for column, value in wanted.items() if value is not None}
        where = " AND ".join(f"{column} = :{column}" for column in asked) or "true"
        with self._turn:
            rows = self._sql.execute(f"{LINES} WHERE {where} ORDER BY id", asked).fetchall()
        return [Effect(*map(_read, Effect._fields, row)) for row in rows]


def _read(field: str, value: JSON) -> JSON:
    """A column as the field of the ledger's line."""
    if field in ("arguments", "answer"):
        return json.loads(value)
    return bool(value) if field in ("honoured", "applied") else value
