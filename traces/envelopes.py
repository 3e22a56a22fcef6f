"""Events as the seal reads them: PostgreSQL writes each column as the envelope has it, which is cheaper than here."""

from typing import Final

from traces.chain import FIELDS

_WRITTEN: Final = {
    "at": """to_char({0}.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')""",
    "digest": "encode({0}.digest, 'hex')",
    "transaction": "{0}.transaction",
}


def columns(table: str) -> str:
    """The select list of an event's envelope, in the order in which it is hashed, from the table of this alias."""
    return ", ".join(_WRITTEN.get(name, f"{{0}}.{name}::text").format(table) for name in FIELDS)
