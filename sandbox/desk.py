"""The desk at which calls arrive: checks them, has them done once, and writes down what was done."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from sandbox.office import OPERATIONS, furnish
from sandbox.operations import Operation, Repeat
from sandbox.shapes import JSON, FieldError, Refused, Shape, invalid
from sandbox.store import Effect, Store

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to the caller."""

    status: int
    body: JSON
    repeated: bool = False
    """The call was done before under this key; this is what was said then."""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def no(cls, refused: Refused) -> Answer:
        return cls(refused.status, refused.problem(), headers=refused.headers)


class Desk:
    """The office with its store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        if store.is_empty():
            self.reset()

    def reset(self) -> None:
        """Begin the world anew: the first day's records, an empty ledger."""
        with self.store.transaction():
            self.store.forget()
            furnish(self.store)

    def call(self, name: str, given: Mapping[str, JSON], *, key: str | None = None) -> Answer:
        """Do one operation, or say why not. KeyError for an operation that there is not."""
        operation = OPERATIONS[name]
        try:
            asked = read(operation, given)
            if key is not None and not _KEY.fullmatch(key):
                raise invalid(f"header.{operation.key_header}", "1 to 255 visible ASCII characters")
            return self._do(operation, asked, key)
        except Refused as refused:
            if operation.writes:
                self._note_refusal(operation, given, key, refused)
            return Answer.no(refused)

    def _do(self, operation: Operation, asked: Shape, key: str | None) -> Answer:
        with self.store.transaction():
            if not operation.writes:
                return Answer(operation.status, _plain(operation.handler(self.store, asked)))
            arguments = asked.model_dump(mode="json", exclude_unset=True)
            honoured = operation.repeat is Repeat.KEYED
            earlier = self._earlier(key) if key and honoured else None
            if earlier is not None:
                if (earlier.operation, earlier.arguments) != (operation.name, arguments):
                    text = f"The key {key} was used for another call: line {earlier.id} of the ledger."
                    raise Refused(409, "key_reused", text)
                self.store.note_repeat(earlier.id)
                return Answer(earlier.status, earlier.answer, repeated=True)
            answer = _plain(operation.handler(self.store, asked))
            self.store.note(
                operation.name,
                arguments,
                key=key,
                honoured=honoured,
                applied=True,
                status=operation.status,
                answer=answer,
            )
            return Answer(operation.status, answer)

    def _earlier(self, key: str) -> Effect | None:
        return next((one for one in self.store.ledger(key=key) if one.applied and one.honoured), None)

    def _note_refusal(self, operation: Operation, given: Mapping[str, JSON], key: str | None, refused: Refused) -> None:
        with self.store.transaction():
            self.store.note(
                operation.name,
                dict(given),
                key=key if key and _KEY.fullmatch(key) else None,
                honoured=operation.repeat is Repeat.KEYED,
                applied=False,
                status=refused.status,
                answer=refused.problem(),
            )


def _plain(answer: Shape) -> JSON:
    return answer.model_dump(mode="json")


def read(operation: Operation, given: Mapping[str, JSON]) -> Any:
    """The arguments as their type, or a 422 that names every field that is wrong and where it was."""
    errors = [
        FieldError(path=f"{operation.place_of(name)}.{name}", text="Leave the field out instead of sending null")
        for name, value in given.items()
        if value is None
    ]
    if not errors:
        try:
            return operation.asked.model_validate_json(json.dumps(given), strict=True)
        except ValidationError as error:
            errors = [
                FieldError(
                    path=".".join(
                        [operation.place_of(str(one["loc"][0])) if one["loc"] else "body", *map(str, one["loc"])]
                    ),
                    text=one["msg"].removeprefix("Value error, "),
                )
                for one in error.errors(include_url=False, include_context=False, include_input=False)
            ]
    detail = "; ".join(f"{one.path}: {one.text}" for one in errors)
    raise Refused(422, "invalid", detail, errors)
