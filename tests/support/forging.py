"""Rows as a forger would write them, past the code, as an account of the product."""

from typing import Any

import psycopg
import pytest
from django.db.models import Model
from django.db.models.expressions import DatabaseDefault

from accounts.models import User
from approvals.models import Action

ACCOUNTS = pytest.mark.parametrize("account", ["as_web", "as_worker"])
"""Of the processes: neither may do what a forger would."""


def decision_by(person: User, shown: Action, **forged: Any) -> tuple[str, dict[str, Any]]:
    """A yes of this person, as SQL and its values, but for what is forged."""
    sql = """
        INSERT INTO approvals_decision (id, organization_id, action_id, revision_id, decider_id, principals, verb,
                                        digest, reason)
        VALUES (gen_random_uuid(), %(organization)s, %(action)s, %(revision)s, %(decider)s, %(principals)s, %(verb)s,
                %(digest)s, '')"""
    return sql, {
        "organization": shown.organization_id,
        "action": shown.id,
        "revision": shown.revisions.get(number=shown.revision).id,
        "decider": person.pk,
        "principals": shown.principals,
        "verb": "approve",
        "digest": shown.digest,
        **forged,
    }


def write(speaking: psycopg.Connection[Any], row: Model) -> None:
    """Insert a model's row as this account, past every save() of ours."""
    values = {str(f.column): getattr(row, f.attname) for f in row._meta.concrete_fields}
    values = {name: value for name, value in values.items() if not isinstance(value, DatabaseDefault)}
    sql = f"INSERT INTO {row._meta.db_table} ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})"
    speaking.execute(sql, list(values.values()))
