"""How an operation is declared: once, at its function. Routing, checking and the OpenAPI document all read this."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sandbox.shapes import JSON, Shape
from sandbox.store import Store

FIELD: Final = re.compile(r"\{(\w+)\}")
KEY_HEADER: Final = "Idempotency-Key"
REFERENCE_HEADER: Final = "Payment-Reference"
KEY_SECONDS: Final = 30 * 24 * 3600
"""For how long at least a key is remembered. In truth until the next reset."""


class Repeat(StrEnum):
    """What becomes of a call that comes twice."""

    READ = "read"
    KEYED = "keyed"
    """With the same key it is done once."""
    QUERYABLE = "queryable"
    """It is done twice, but one can ask whether it was done."""
    NEITHER = "neither"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """The operation that takes an effect back, and where its arguments are in the answer."""

    operation: str
    arguments: Mapping[str, str]
    body: str | None = None
    """The field of the answer that is the whole body of the undoing call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that the office does."""

    name: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    asked: type[Shape]
    answer: type[Shape]
    handler: Callable[[Store, Any], Shape]
    repeat: Repeat
    status: int
    example: dict[str, JSON]
    undo: Undo | None
    touches: tuple[str, ...]

    @property
    def writes(self) -> bool:
        return self.repeat is not Repeat.READ

    @property
    def key_header(self) -> str:
        """The header that carries the caller's name for a call."""
        return REFERENCE_HEADER if self.repeat is Repeat.QUERYABLE else KEY_HEADER

    @property
    def in_path(self) -> list[str]:
        return FIELD.findall(self.path)

    def place_of(self, field: str) -> str:
        """Where a field travels: path, query or body."""
        if field in self.in_path:
            return "path"
        return "body" if self.method in ("POST", "PUT", "PATCH") else "query"

    @property
    def has_body(self) -> bool:
        return any(self.place_of(field) == "body" for field in self.asked.model_fields)


OPERATIONS: Final[dict[str, Operation]] = {}


def operation(
    method: str,
    path: str,
    *,
    tag: str,
    example: dict[str, JSON],
    repeat: Repeat | None = None,
    undo: Undo | str | None = None,
    status: int = 200,
    touches: tuple[str, ...] = (),
) -> Callable[[Callable[[Store, Any], Shape]], Callable[[Store, Any], Shape]]:
    """Declare a function as an operation.

    Its docstring's first line is the summary and the whole is the description; its types are the arguments and the
    answer. `undo` names the operation that takes the effect back; alone, a name means that the answer has a field for
    each argument of that operation. `touches` says in plain words what a careful caller would want to know.
    """

    def declare(handler: Callable[[Store, Any], Shape]) -> Callable[[Store, Any], Shape]:
        types = typing.get_type_hints(handler)
        text = inspect.getdoc(handler) or ""
        name = handler.__name__
        if name in OPERATIONS:
            raise ValueError(f"{name} is declared twice")
        OPERATIONS[name] = Operation(
            name=name,
            method=method,
            path=path,
            tag=tag,
            summary=text.split("\n", 1)[0].rstrip("."),
            description=" ".join(text.split()),
            asked=types["asked"],
            answer=types["return"],
            handler=handler,
            repeat=repeat or (Repeat.READ if method == "GET" else Repeat.KEYED),
            status=status,
            example=example,
            undo=Undo(operation=undo, arguments={}) if isinstance(undo, str) else undo,
            touches=touches,
        )
        return handler

    return declare


def undo_of(one: Operation) -> Undo | None:
    """How an effect is taken back, with every argument's field named."""
    if one.undo is None or one.undo.arguments:
        return one.undo
    inverse = OPERATIONS[one.undo.operation]
    return Undo(operation=inverse.name, arguments={field: field for field in inverse.in_path})
