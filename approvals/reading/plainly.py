"""JSON as a person reads it. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from approvals.reading.masking import masked
from approvals.reading.shown import MASK, secret_texts
from tools.contract import Contract


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
        return json.dumps(masked(json.loads(canonical), said), indent=2, ensure_ascii=False)
    except ValueError:
        return MASK
