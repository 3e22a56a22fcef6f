"""JSON as a person reads it. Pure."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

from approvals.reading.shown import MASK, secret_texts
from tools.contract import Contract

SHORTEST: Final = 4
"""Characters of a secret that is looked for inside of longer text: a shorter one is also part of ordinary words."""


def pretty(canonical: str) -> str:
    """Canonical JSON, indented for reading; the keys stay in their order."""
    try:
        return json.dumps(json.loads(canonical), indent=2, ensure_ascii=False)
    except ValueError:
        return canonical


def without_secrets(canonical: str, given: Mapping[str, Any], contract: Contract | None) -> str:
    """A request as ``pretty`` shows it, with a mask wherever it repeats a secret argument of the call."""
    said = set(secret_texts("", given, contract.secret_fields)) if contract else set()
    if not said:
        return pretty(canonical)
    try:
        return json.dumps(_masked(json.loads(canonical), said), indent=2, ensure_ascii=False)
    except ValueError:
        return MASK


def _masked(value: Any, said: set[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _masked(one, said) for key, one in value.items()}
    if isinstance(value, list):
        return [_masked(one, said) for one in value]
    if isinstance(value, bool) or value is None:
        return value
    if str(value) in said:
        return MASK
    if isinstance(value, str):
        for one in sorted((one for one in said if len(one) >= SHORTEST), key=len, reverse=True):
            for form in (one, quote(one, safe=""), quote_plus(one)):
                value = value.replace(form, MASK)
    return value
