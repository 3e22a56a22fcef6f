"""Planning an undo: which steps can be taken back, by which call, in which order. It plans and does not act. Pure.

Compensations run in the reverse order of the effects (Garcia-Molina and Salem, "Sagas", 1987). Each of them is an
ordinary action through the same gate; this module only derives what would be called: the inverse that the tool's
contract names, with arguments taken from what the ledger holds of the call.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tools.contract import Contract
from tools.kinds import Tier
from traces.canonical import JSON

_MISSING: Final = object()


@dataclass(frozen=True)
class Effect:
    """A step that was done, as the ledger holds it."""

    action: uuid.UUID
    step: int
    summary: str
    contract: Contract
    """Of the version that was called: an inverse belongs to what was done, not to what the tool has become."""
    arguments: JSON
    result: JSON


@dataclass(frozen=True)
class Undoing:
    """How one effect is taken back; or, with an empty ``tool``, why it cannot be."""

    effect: Effect
    tool: str = ""
    arguments: Mapping[str, JSON] | None = None
    why_not: str = ""

    @property
    def possible(self) -> bool:
        """Whether there is a call that takes the effect back."""
        return bool(self.tool)


def plan(effects: Iterable[Effect]) -> list[Undoing]:
    """How to take these effects back, last one first. What only read has nothing to take back and is left out."""
    changed = [effect for effect in effects if effect.contract.tier is not Tier.READ]
    return [undoing_of(effect) for effect in sorted(changed, key=lambda effect: effect.step, reverse=True)]


def undoing_of(effect: Effect) -> Undoing:
    """The call that takes one effect back."""
    contract = effect.contract
    if contract.inverse is None:
        return Undoing(effect, why_not=f"{contract.name} cannot be undone.")
    try:
        arguments = derived(contract, effect.arguments, effect.result)
    except LookupError as missing:
        return Undoing(effect, why_not=f"{contract.name} is undone by {contract.inverse}, but {missing.args[0]}")
    return Undoing(effect, tool=contract.inverse, arguments=arguments)


def derived(contract: Contract, arguments: JSON, result: JSON) -> dict[str, JSON]:
    """The inverse's arguments. The contract's binding says where each comes from: a field of the answer (dots lead
    further in), or a JSON pointer (RFC 6901) into ``/arguments`` or ``/result``; ``body`` names a field of the answer
    whose own fields are arguments as well. Raises LookupError, with a sentence, for what is not there.
    """
    said: Any = contract.binding.get("inverse")
    if not isinstance(said, Mapping):
        raise LookupError("the tool does not say with which arguments.")  # noqa: TRY004 (it is missing, not mistyped)
    known: JSON = {"arguments": arguments, "result": result}
    found: dict[str, JSON] = {}
    if "body" in said:
        body = _at(known, _pointer(str(said["body"])))
        if not isinstance(body, dict):
            raise LookupError(f"its answer has no fields at {said['body']}.")
        found |= body
    for argument, source in dict(said.get("arguments", {})).items():
        value = _at(known, _pointer(str(source)))
        if value is _MISSING or value is None:
            raise LookupError(f"its answer does not say {argument} (at {source}).")
        found[argument] = value
    return found


def gaps(contract: Contract, inverse: Contract) -> list[str]:
    """What keeps a call from being taken back, as far as the two contracts tell before anything was called.

    An argument has to come from a field that the call takes or answers with, and everything that the inverse asks for
    has to come from somewhere. Of an answer that is not described at all nothing is said here: a drill finds out.
    """
    said: Any = contract.binding.get("inverse")
    if not isinstance(said, Mapping):
        return ["it does not say with which arguments"]
    sources = {str(name): str(source) for name, source in dict(said.get("arguments", {})).items()}
    found = [
        f"nothing that it takes or answers is described as {source}, where {name} is to come from"
        for name, source in sources.items()
        if _described(contract, source) is _MISSING
    ]
    body = _described(contract, str(said["body"])) if "body" in said else {}
    if body is _MISSING:
        return [*found, f"nothing that it answers is described as {said['body']}"]
    if body is None:
        return found
    given = {*sources, *_properties(body)}
    return found + [
        f"{inverse.name} asks for {name}, and nothing says where that comes from"
        for name in inverse.arguments_schema.get("required", ())
        if name not in given
    ]


def _described(contract: Contract, source: str) -> Any:
    """The schema of what a source names: ``_MISSING`` where there is no such field, None where nobody can know."""
    first, *path = _pointer(source)
    schema: Any = {"arguments": contract.arguments_schema, "result": contract.result_schema}.get(first, _MISSING)
    for part in path:
        if schema is None or schema is _MISSING:
            return schema
        items = schema.get("items") if isinstance(schema, Mapping) else None
        listed = part.isdecimal() and isinstance(items, Mapping)
        schema = items if listed else _properties(schema).get(part, _MISSING)
    return schema


def _properties(schema: Any) -> Mapping[str, Any]:
    """The fields that a schema names, also where it is one of several."""
    if not isinstance(schema, Mapping):
        return {}
    found: dict[str, Any] = dict(schema.get("properties") or {})
    for word in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(word) or ():
            found |= _properties(one)
    return found


def _pointer(source: str) -> list[str]:
    if source.startswith("/"):
        return [part.replace("~1", "/").replace("~0", "~") for part in source[1:].split("/")]
    return ["result", *source.split(".")]


def _at(value: Any, path: list[str]) -> Any:
    for part in path:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return _MISSING
    return value
