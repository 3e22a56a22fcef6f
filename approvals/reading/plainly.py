"""JSON as a person reads it. Pure."""

import json


def pretty(canonical: str) -> str:
    """Canonical JSON, indented for reading; the keys stay in their order."""
    try:
        return json.dumps(json.loads(canonical), indent=2, ensure_ascii=False)
    except ValueError:
        return canonical
