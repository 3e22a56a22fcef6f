"""A file fits a head, and rows are written by the modules that are listed for it."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.source import files, named, product, strings
from tests.architecture.writers import MAY_WRITE

MOST_LINES = 400
MANY_LINES = 300
MANY_IN = 12
"""At most one file in so many may be longer than ``MANY_LINES``."""

VERBS = {"save", "create", "update", "delete", "bulk_create", "bulk_update", "get_or_create", "update_or_create"}
VERBS |= {f"a{verb}" for verb in VERBS} | {"_raw_delete", "assign_perm", "remove_perm", "set_password"}
LINKS = {"groups", "user_permissions", "agents"}  # their add, remove, set and clear write rows of a table between two
SQL = re.compile(
    r"\bINSERT\s+INTO\b|\bDELETE\s+FROM\b|\bMERGE\s+INTO\b|\bUPDATE\s+(ONLY\s+)?[\w.\"{}]+\s+(\w+\s+)?SET\b"
    r"|\bTRUNCATE\s+(TABLE\s+)?[a-z]|\bCOPY\s+\w+\s*(\([^)]*\)\s*)?FROM\b",
)

NO_ROWS = {
    ("tools.patterns", "found.update"): "a set of characters",
    ("traces.doorbell", "_redis().delete"): "a key in Redis",
    ("traces.states", "seen.update"): "a dictionary",
    ("lam_app.supervisor.nursery", "os.environ.update"): "the environment",
    ("lam_app.supervisor.roles", "lam_app.celery.app.conf.update"): "Celery's settings",
    ("lam_app.planner.providers", "client.chat.completions.with_raw_response.create"): "a question to the model",
}
"""Calls that sound like writing and touch no row."""


def calls(tree: ast.Module) -> set[str]:
    """Calls that sound like writing, as they stand in the source."""
    found = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Name) and function.id in {"assign_perm", "remove_perm"}:
            found.add(function.id)
        elif isinstance(function, ast.Attribute):
            through = function.value.attr if isinstance(function.value, ast.Attribute) else ""
            if function.attr in VERBS or (through in LINKS and function.attr in {"add", "remove", "set", "clear"}):
                found.add(ast.unparse(function))
    return found


def writes(module: str, tree: ast.Module) -> list[str]:
    """What a module does to rows: verbs of the ORM, statements in SQL."""
    verbs = [call for call in sorted(calls(tree)) if (module, call) not in NO_ROWS]
    return verbs + [found.group() for text in strings(tree) if (found := SQL.search(text))]


def test_every_file_fits_a_head() -> None:
    long = {
        named(path): lines
        for path in files(".py")
        if "migrations" not in path.parts and (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}, f"more than {MOST_LINES} lines"


def test_few_files_are_long() -> None:
    sizes = {
        named(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in files(".py")
        if "migrations" not in path.parts
    }
    long = {name: lines for name, lines in sizes.items() if lines > MANY_LINES}
    assert len(long) * MANY_IN <= len(sizes), f"too many files have more than {MANY_LINES} lines: {long}"


@pytest.mark.parametrize("module", sorted(product()))
def test_rows_are_written_by_listed_modules_only(module: str) -> None:
    found = writes(module, product()[module])
    if module not in MAY_WRITE:
        assert found == [], f"{module} writes; give the change to a verb, or list the module with what it writes"


@pytest.mark.parametrize("module", sorted(MAY_WRITE))
def test_every_listed_module_still_writes(module: str) -> None:
    assert module in product(), "there is no such module any more"
    assert writes(module, product()[module]), "it writes nothing any more"


@pytest.mark.parametrize(("module", "call"), sorted(NO_ROWS))
def test_every_exception_is_still_needed(module: str, call: str) -> None:
    assert module in product()
    assert call in calls(product()[module])


@pytest.mark.parametrize(
    "source",
    [
        "run.save()",
        "Run.objects.filter(id=1).update(status='done')",
        "await run.asave()",
        "Run.objects.all().delete()",
        "assign_perm('use_tool', group, tool)",
        "user.groups.add(group)",
        "cursor.execute('INSERT INTO traces_event VALUES (1)')",
        "cursor.execute(f'UPDATE {table} m SET status = 1')",
        "cursor.execute('DELETE ' 'FROM traces_event')",
        "cursor.execute('TRUNCATE traces_event')",
    ],
)
def test_a_write_anywhere_else_is_seen(source: str) -> None:
    assert writes("approvals.views", ast.parse(source))


@pytest.mark.parametrize(
    "source",
    ["'''UPDATE x SET y'''", "cursor.execute('SELECT 1 FROM a FOR UPDATE OF a')", "seen.add(1)", "f'{a} UPDATE'"],
)
def test_reading_is_not_taken_for_writing(source: str) -> None:
    assert writes("approvals.views", ast.parse(source)) == []
