"""Secrets out of whatever repeats them: one way for the request on a card and for an archive of evidence. Pure."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

from approvals.reading.shown import MASK

SHORTEST: Final = 4
"""Characters of a secret that is looked for inside of longer text: a shorter one is also part of ordinary words."""


def masked(value: Any, secrets: Collection[str], fields: Collection[str] = ()) -> Any:
    """A value of JSON with a mask for each leaf that is a secret or repeats one, and for all that stands in a field."""
    if isinstance(value, Mapping):
        return {name: MASK if name in fields else masked(one, secrets, fields) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [masked(one, secrets, fields) for one in value]
    if isinstance(value, bool) or value is None:
        return value
    if str(value) in secrets:
        return MASK
    return in_text(value, secrets) if isinstance(value, str) else value


def in_text(said: str, secrets: Iterable[str]) -> str:
    """A text without the secrets that are long enough to be told from words, in whichever form they stand in it."""
    for secret in sorted((one for one in secrets if len(one) >= SHORTEST), key=lambda one: (-len(one), one)):
        for form in _forms(secret):
            said = said.replace(form, MASK)
    return said


def _forms(value: str) -> Iterable[str]:
    """A value as it is, and as JSON and addresses write it: what a model answered is text with JSON in it."""
    as_json = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    forms = {value, *as_json, quote(value, safe=""), quote(value), quote_plus(value)}
    return sorted(forms, key=len, reverse=True)
