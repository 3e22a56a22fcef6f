"""Keeping secrets out of an archive: by where they stand in the arguments, and by what they are wherever else. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from json import dumps
from typing import Any, Final
from urllib.parse import quote, quote_plus

from approvals.reading.shown import MASK, PLACE, is_secret

SHORTEST: Final = 4
"""Characters of a secret that is looked for elsewhere: a shorter one is also part of ordinary words."""


@dataclass(frozen=True)
class Masks:
    """What has to be hidden: fields by name, and values as they were given."""

    fields: frozenset[str] = frozenset()
    values: tuple[str, ...] = ()

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments as a reader may see them."""
        return {name: self._at(name, value) for name, value in given.items()}

    def __call__(self, said: Any) -> Any:
        """Anything else that may repeat a secret: a request, an answer, a prompt."""
        if isinstance(said, str):
            return self.text(said)
        if isinstance(said, Mapping):
            return {name: MASK if name in self.fields else self(value) for name, value in said.items()}
        if isinstance(said, list | tuple):
            return [self(one) for one in said]
        return said

    def text(self, said: str) -> str:
        """A text without the values, in whichever form they stand in it."""
        for value in self.values:
            for form in _forms(value):
                said = said.replace(form, MASK)
        return said

    def page(self, html: str) -> str:
        """The same of a page, where values stand as HTML writes them."""
        for value in self.values:
            html = html.replace(escape(value), MASK)
        return self.text(html)

    def _at(self, path: str, value: Any) -> Any:
        if is_secret(PLACE.sub("", path), self.fields):
            return MASK
        if isinstance(value, Mapping):
            return {name: self._at(f"{path}.{name}", inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._at(f"{path}[{at}]", inner) for at, inner in enumerate(value)]
        return self(value)


def _forms(value: str) -> Iterable[str]:
    """A value as it is, and as JSON and addresses write it: what a model answered is text with JSON in it."""
    forms = {value, dumps(value)[1:-1], dumps(value, ensure_ascii=False)[1:-1], quote(value, safe=""), quote(value)}
    return sorted({*forms, quote_plus(value)}, key=len, reverse=True)


def masks(given: Iterable[tuple[Mapping[str, Any], Collection[str]]]) -> Masks:
    """The masks of several calls: each one's arguments, and which of its fields are secret."""
    fields: set[str] = set()
    values: set[str] = set()
    for arguments, secret in given:
        fields |= set(secret)
        for name, value in arguments.items():
            values |= set(_secrets(name, value, secret))
    return Masks(frozenset(fields), tuple(sorted(values, key=lambda one: (-len(one), one))))


def _secrets(path: str, value: Any, secret: Collection[str]) -> Iterable[str]:
    if is_secret(PLACE.sub("", path), secret):
        yield from (one for one in _leaves(value) if len(one) >= SHORTEST)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _secrets(f"{path}.{name}", inner, secret)
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _secrets(f"{path}[{at}]", inner, secret)


def _leaves(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif isinstance(value, str):
        yield value
