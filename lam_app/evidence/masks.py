"""Keeping secrets out of an archive: by where they stand in the arguments, and by what they are wherever else. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from approvals.reading.masking import SHORTEST, in_text, masked
from approvals.reading.shown import MASK, is_secret, secret_texts


@dataclass(frozen=True)
class Masks:
    """What has to be hidden: fields by name, and values as they were given."""

    fields: frozenset[str] = frozenset()
    values: frozenset[str] = frozenset()

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments as a reader may see them."""
        return {name: self._at(name, value) for name, value in given.items()}

    def __call__(self, said: Any) -> Any:
        """Anything else that may repeat a secret: a request, an answer, a prompt."""
        return masked(said, self.values, self.fields)

    def text(self, said: str) -> str:
        """A text without the values, in whichever form they stand in it."""
        return in_text(said, self.values)

    def page(self, html: str) -> str:
        """The same of a page, where values stand as HTML writes them."""
        for value in sorted(self.values, key=len, reverse=True):
            html = html.replace(escape(value), MASK)
        return self.text(html)

    def _at(self, path: str, value: Any) -> Any:
        if is_secret(path, self.fields):
            return MASK
        if isinstance(value, Mapping):
            return {name: self._at(f"{path}.{name}", inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._at(f"{path}[{at}]", inner) for at, inner in enumerate(value)]
        return self(value)


def masks(given: Iterable[tuple[Mapping[str, Any], Collection[str]]]) -> Masks:
    """The masks of several calls: each one's arguments, and which of its fields are secret."""
    fields: set[str] = set()
    values: set[str] = set()
    for arguments, secret in given:
        fields |= set(secret)
        values |= {one for one in secret_texts("", arguments, secret) if len(one) >= SHORTEST}
    return Masks(frozenset(fields), frozenset(values))
