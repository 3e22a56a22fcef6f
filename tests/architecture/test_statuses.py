"""A status changes in one function: `traces.services.move`, which tells of it in the same statement. Verbs call it."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.source import product, strings

THE_PLACE = "traces.services"
CALL_MOVE = {
    "approvals.services.approve",
    "approvals.services.canaries",
    "approvals.services.edit",
    "approvals.services.expire",
    "approvals.services.halt",
    "approvals.services.leave",
    "approvals.services.previewed",
    "approvals.services.propose",
    "approvals.services.reject",
    "approvals.services.rejudge",
    "approvals.services.undo",
    "approvals.services.verdict",
    "approvals.services.veto",
    "approvals.services.withdraw",
    "tools.executor",
    "lam_app.drill",
    "lam_app.correct",
    "lam_app.loop",
    "lam_app.orphans",
    "lam_app.runs",
    "lam_app.undo",
}
"""The verbs that take rows along an edge. A page, a task or a command calls one of these."""

NO_COLUMN = {
    ("approvals.services.propose", "action.status"): "the row in memory, after it has moved",
    ("lam_app.supervisor.processes", "child.status"): "how a process ended",
    ("lam_app.planner.errors", "self.status"): "of an HTTP answer",
}
"""Attributes called status whose assignment reaches no table."""

NOT_MOVING = {
    "tools.dial_rows": "a proposed setting is closed once, by a row that the database judges; it has no machine",
    "approvals.services.second_look": "a proposed policy is closed once, which the database judges; it has no machine",
    "approvals.practice": "made-up actions that are never saved",
    "lam_app.planted": "runs to which canaries seem to belong, of which no row is ever written",
}
"""Modules whose statuses are those of no row that moves, and why."""

MODELS = {"Run", "Action", "Execution"}
WRITE = {"create", "update", "get_or_create", "update_or_create", "acreate", "aupdate"}
SQL = re.compile(r"\bUPDATE\b.*?\bSET\b(?P<set>.*?)(\bWHERE\b|\bFROM\b|$)", re.DOTALL | re.IGNORECASE)


def assignments(tree: ast.Module) -> set[str]:
    """Attributes called `status` that are assigned, as they stand in the source."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "status" and isinstance(node.ctx, ast.Store):
            found.add(ast.unparse(node))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {"setattr", "__setattr__"}:
            found |= {
                ast.unparse(node) for part in node.args if isinstance(part, ast.Constant) and part.value == "status"
            }
    return found


def changes(module: str, tree: ast.Module) -> list[str]:
    """Every way in which this module would write a column called `status`."""
    found = [text for text in sorted(assignments(tree)) if (module, text) not in NO_COLUMN]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func).split(".")[-1]
        keywords = {keyword.arg for keyword in node.keywords}
        if "status" in keywords and name in WRITE | MODELS:
            found.append(ast.unparse(node))
        if name in {"save", "asave", "bulk_update", "abulk_update", "update_or_create", "get_or_create"} and any(
            isinstance(part, ast.Constant) and part.value == "status" for part in ast.walk(node)
        ):
            found.append(ast.unparse(node))
    for text in strings(tree):
        found += [m.group() for m in SQL.finditer(text) if re.search(r"\bstatus\s*=", m.group("set"))]
    return found


def calls_move(tree: ast.Module) -> bool:
    """Whether the module calls `move`, under whichever name it was imported."""
    names = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == THE_PLACE
        for alias in node.names
        if alias.name == "move"
    }
    names |= {"services.move", "traces.services.move"}
    return any(isinstance(node, ast.Call) and ast.unparse(node.func) in names for node in ast.walk(tree))


@pytest.mark.parametrize("module", sorted(set(product()) - {THE_PLACE, *NOT_MOVING}))
def test_no_other_module_changes_a_status(module: str) -> None:
    assert changes(module, product()[module]) == []


@pytest.mark.parametrize("module", sorted(NOT_MOVING))
def test_every_module_that_is_left_out_has_a_reason_that_still_holds(module: str) -> None:
    assert changes(module, product()[module])
    assert not calls_move(product()[module])


def test_the_one_place_does() -> None:
    assert changes(THE_PLACE, product()[THE_PLACE])


def test_only_verbs_move() -> None:
    assert {module for module, tree in product().items() if calls_move(tree)} == CALL_MOVE


@pytest.mark.parametrize(("module", "text"), sorted(NO_COLUMN))
def test_every_exception_is_still_needed(module: str, text: str) -> None:
    assert text in assignments(product()[module])


@pytest.mark.parametrize(
    "source",
    [
        "action.status = 'done'",
        "setattr(action, 'status', 'done')",
        "Action.objects.filter(id=1).update(status='done')",
        "Action(status='permitted')",
        "action.save(update_fields=['status'])",
        "Action.objects.bulk_update(rows, ['status'])",
        "cursor.execute('UPDATE approvals_action SET due_at = NULL, status = %s WHERE id = %s')",
        "cursor.execute(f'UPDATE {table} SET status = %s')",
    ],
)
def test_a_change_anywhere_else_is_seen(source: str) -> None:
    assert changes("approvals.views", ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "HttpResponse(status=204)",
        "Action.objects.filter(status='done')",
        "cursor.execute(\"UPDATE r SET planner = 1 WHERE r.status = 'planning'\")",
        "if action.status == 'done': pass",
    ],
)
def test_reading_a_status_is_not_taken_for_changing_it(source: str) -> None:
    assert changes("approvals.views", ast.parse(source)) == []
