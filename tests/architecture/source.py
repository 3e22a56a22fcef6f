"""The project's own files, as the tests of this folder read them."""

from __future__ import annotations

import ast
import functools
import os
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
APPS = ("lam_app", "approvals", "tools", "accounts", "traces")
TEXT = frozenset({
    ".py", ".md", ".toml", ".txt", ".html", ".css", ".js", ".svg", ".json", ".yml", ".yaml", ".sh", ".cfg", ".ini", "",
})  # fmt: skip
OURS_BEGIN_WITH_A_DOT = frozenset({".ci", ".gitignore", ".gitattributes", ".editorconfig"})


def files(*suffixes: str, under: str = "") -> Iterator[Path]:
    """Files of the project with one of these suffixes; environments, caches and data of an instance are left out."""
    for folder, folders, names in os.walk(PROJECT / under):
        folders[:] = sorted(
            f for f in folders if f != "__pycache__" and (not f.startswith(".") or f in OURS_BEGIN_WITH_A_DOT)
        )
        for name in sorted(names):
            if name.startswith(".") and name not in OURS_BEGIN_WITH_A_DOT:
                continue
            path = Path(folder, name)
            if path.suffix in suffixes:
                yield path


def named(path: Path) -> str:
    """A file's place in the project."""
    return path.relative_to(PROJECT).as_posix()


def module_name(path: Path) -> str:
    """How Python calls the module."""
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


@functools.cache
def product() -> dict[str, ast.Module]:
    """Every module of the product by name, migrations excepted, as its syntax tree."""
    return {
        module_name(path): ast.parse(path.read_text(encoding="utf-8"), str(path))
        for app in APPS
        for path in files(".py", under=app)
        if "migrations" not in path.parts
    }


def strings(tree: ast.Module) -> Iterator[str]:
    """String literals with their inserted parts left empty. Docstrings and other strings that nobody reads are not."""
    idle = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)} - {
        id(node) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
    }
    for node in ast.walk(tree):
        if id(node) in idle | inside:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "inserted" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
