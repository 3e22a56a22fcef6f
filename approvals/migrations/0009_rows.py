"""Row security: the web account sees the rows of the organization that it is in, and no others.

It is the second wall behind the queries, on every table of the gate, the hands, the mind and the memory that names an
organization. Outside of it stay the tables that are read before an organization is known, because it is known from
them: people, memberships, teams, agents and API tokens, and Django's sessions, groups and permissions. The queries
are the only wall there.
"""

from typing import ClassVar

from django.db import migrations

from traces.guards import all_rows, own_rows, run

TABLES = [
    "approvals_policyversion", "approvals_action", "approvals_revision", "approvals_decision", "approvals_permit",
    "approvals_tally", "approvals_reservation", "approvals_preview",
]  # fmt: skip


class Migration(migrations.Migration):
    """Policies."""

    dependencies: ClassVar = [("approvals", "0008_votes")]
    operations: ClassVar = [run(own_rows(table), all_rows(table)) for table in TABLES]
