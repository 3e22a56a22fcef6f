"""Whose the things are that the arguments name. Reads only.

Only the organization's own things are looked for. What another organization has is not found, exactly as what nobody
has: nothing that is stored, shown or answered can tell the one from the other.
"""

import uuid
from typing import Any

from django.db import connection

from approvals.policy import Owner, Resource
from approvals.policy.values import MISSING, values_at
from tools.contract import Contract
from tools.resources import ITSELF
from traces.canonical import JSON, canonical

_OWN = """
SELECT r.kind, r.identifier FROM tools_resource r
JOIN unnest(%(kinds)s::text[], %(identifiers)s::text[]) AS asked(kind, identifier)
  ON asked.kind = r.kind AND asked.identifier = r.identifier
WHERE r.organization_id = %(organization)s
UNION
SELECT %(itself)s, word FROM accounts_organization o, unnest(ARRAY[o.slug::text, o.id::text]) AS word
WHERE o.id = %(organization)s AND word = ANY (%(identifiers)s::text[])
"""


def resources_named(organization: uuid.UUID, contract: Contract | None, arguments: Any) -> tuple[Resource, ...]:
    """Every thing that the tool's scope declaration finds in the arguments, each once, and whether it is our own.

    Lists are taken apart; an argument that is left out, or null, names nothing. One query, however many there are, and
    none for a tool that declares no scope.
    """
    if contract is None or not contract.scope_fields:
        return ()
    named: dict[tuple[str, str], str] = {}
    for path, kind in contract.scope_fields.items():
        for value in values_at(arguments, path):
            if value is not MISSING:
                named.setdefault((kind, _as_text(value)), path)
    if not named:
        return ()
    with connection.cursor() as cursor:
        cursor.execute(
            _OWN,
            {
                "organization": organization,
                "itself": ITSELF,
                "kinds": [kind for kind, _ in named],
                "identifiers": [identifier for _, identifier in named],
            },
        )
        own = set(cursor.fetchall())
    return tuple(
        Resource(path, kind, identifier, Owner.OWN if (kind, identifier) in own else Owner.UNKNOWN)
        for (kind, identifier), path in named.items()
    )


def _as_text(value: JSON) -> str:
    """A value as identifiers are written: text as it stands, numbers in their one form."""
    return value if isinstance(value, str) else canonical(value).decode()
