"""The web account sees the tools, the ledger and the stops of its own organization: see approvals/migrations/0009_rows.

A stop of everything names no organization and is shown to all. What stands between a tool and a person or an agent
names none either and is reached through the tool; the view of who holds which right asks as its reader from now on,
since as its owner's it would show every organization's.
"""

from typing import ClassVar

from django.db import migrations

from traces.guards import all_rows, own_rows, run

ORGANIZATION_ID = ["tools_tool", "tools_toolversion", "tools_execution", "tools_resource", "tools_rightsversion"]
ORGANIZATION = ["tools_outboxmessage", "tools_note"]


class Migration(migrations.Migration):
    """Policies."""

    dependencies: ClassVar = [("tools", "0009_rights_version")]
    operations: ClassVar = [
        *[run(own_rows(table), all_rows(table)) for table in ORGANIZATION_ID],
        *[run(own_rows(table, "organization"), all_rows(table)) for table in ORGANIZATION],
        run(own_rows("tools_killswitch", shared=True), all_rows("tools_killswitch")),
        run("ALTER VIEW tools_right SET (security_invoker = true)", "ALTER VIEW tools_right RESET (security_invoker)"),
    ]
