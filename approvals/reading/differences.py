"""What differs between the arguments of two revisions, and which secrets an editor left alone. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from approvals.reading.shown import MASK, arguments, is_secret
from tools.contract import Contract
from traces.canonical import JSON, at_key, canonical


@dataclass(frozen=True)
class Changed:
    """One value that an editor changed, as it was and as it is; secrets stay under their mask."""

    label: str
    was: str
    now: str


def changed_paths(before: JSON, after: JSON, path: str = "") -> list[str]:
    """The paths of the innermost values that are not the same, were added or are gone, in reading order."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = [*before, *(name for name in after if name not in before)]
        return [
            found
            for name in names
            for found in (
                changed_paths(before[name], after[name], at_key(path, name))
                if name in before and name in after
                else [at_key(path, name)]
            )
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            found
            for index, (one, other) in enumerate(zip(before, after, strict=True))
            for found in changed_paths(one, other, f"{path}[{index}]")
        ]
    return [] if canonical(before) == canonical(after) else [path]


def changed(before: Mapping[str, Any], after: Mapping[str, Any], contract: Contract | None) -> list[Changed]:
    """What an editor changed, value by value as a reader sees them. Of a secret it only says that it is another."""
    was = {row.path: row for row in arguments(before, contract)}
    now = {row.path: row for row in arguments(after, contract)}
    secrets = frozenset(contract.secret_fields) if contract else frozenset()
    seen = [
        Changed(label=row.label, was=was[path].text if path in was else "", now=now[path].text if path in now else "")
        for path, row in {**was, **now}.items()
        if (was[path].text if path in was else None) != (now[path].text if path in now else None)
    ]
    hidden = [path for path in changed_paths(before, after) if is_secret(path, secrets)]
    return [*seen, *(Changed(path.replace("_", " ").capitalize(), MASK, "another secret") for path in hidden)]


def secrets_kept(given: Mapping[str, Any], before: Mapping[str, Any], secrets: Iterable[str]) -> dict[str, Any]:
    """The given arguments with each secret as it was where the editor left it out or left its mask standing."""
    named = frozenset(secrets)
    whole = {**given, **{name: before[name] for name in named if name in before and name not in given}}
    return {name: _unmasked(value, before.get(name), name, named) for name, value in whole.items()}


def _unmasked(value: Any, before: Any, path: str, secrets: frozenset[str]) -> Any:
    if value == MASK and is_secret(path, secrets):
        return before
    if isinstance(value, dict):
        old = before if isinstance(before, dict) else {}
        return {key: _unmasked(inner, old.get(key), f"{path}.{key}", secrets) for key, inner in value.items()}
    if isinstance(value, list):
        items = before if isinstance(before, list) else []
        return [
            _unmasked(inner, items[i] if i < len(items) else None, f"{path}[{i}]", secrets)
            for i, inner in enumerate(value)
        ]
    return value


def masked(value: Any, path: str, secrets: frozenset[str]) -> Any:
    """A value as an editor may see it: secrets inside it under their mask."""
    if is_secret(path, secrets):
        return MASK
    if isinstance(value, dict):
        return {key: masked(inner, f"{path}.{key}", secrets) for key, inner in value.items()}
    if isinstance(value, list):
        return [masked(inner, f"{path}[{i}]", secrets) for i, inner in enumerate(value)]
    return value
