"""What differs between the arguments of two revisions, and which secrets an editor left alone. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from approvals.shown import MASK, is_secret
from traces.canonical import JSON, at_key, canonical


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
