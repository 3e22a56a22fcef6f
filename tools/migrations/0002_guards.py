"""The ledger's edges and the catalogue's permanence, kept by the database; and what each role may do."""

from typing import ClassVar

from django.db import migrations

from traces.guards import append_only, grant, kept, run, status_edges

EDGES = [
    ("claimed", "done"),
    ("claimed", "failed"),
    ("claimed", "uncertain"),
    ("uncertain", "done"),
    ("uncertain", "failed"),
    ("done", "undone"),
]

LEDGER_CHANGES = [
    "status", "attempt", "fence", "claimer_id", "claimed_at", "retry_at", "finished_at", "result",
    "error_code", "error_text", "evidence",
]  # fmt: skip


class Migration(migrations.Migration):
    """Triggers, the kill epoch's sequence, rights."""

    dependencies: ClassVar = [("tools", "0001_initial"), ("accounts", "0002_grants")]
    operations: ClassVar = [
        run(status_edges("tools_execution", "claimed", EDGES)),
        run(kept("tools_execution", LEDGER_CHANGES)),
        run(kept("tools_killswitch", ["quiet_at", "released_by_id", "released_at", "release_reason"])),
        run(append_only("tools_toolversion")),
        run("CREATE SEQUENCE tools_kill_epoch; GRANT USAGE ON SEQUENCE tools_kill_epoch TO countersign_web;"),
        run(grant("tools_tool", web="SELECT", worker="SELECT")),
        run(grant("tools_toolversion", web="SELECT", worker="SELECT")),
        run(grant("tools_agenttool", web="SELECT", worker="SELECT")),
        run(grant("tools_tooluserobjectpermission", web="SELECT", worker="SELECT")),
        run(grant("tools_toolgroupobjectpermission", web="SELECT", worker="SELECT")),
        run(grant("tools_worker", web="SELECT", worker="SELECT, INSERT")),
        run("GRANT UPDATE (seen_at, ended_at) ON tools_worker TO countersign_worker;"),
        # A person's verdict on an unknown outcome comes from the web role; claims and records from the worker role.
        run(grant("tools_execution", web="SELECT", worker="SELECT, INSERT, UPDATE")),
        run(
            "GRANT UPDATE (status, finished_at, result, error_code, error_text, evidence)"
            " ON tools_execution TO countersign_web;"
        ),
        run(grant("tools_killswitch", web="SELECT, INSERT", worker="SELECT")),
        run(
            "GRANT UPDATE (quiet_at, released_by_id, released_at, release_reason) ON tools_killswitch"
            " TO countersign_web; GRANT UPDATE (quiet_at) ON tools_killswitch TO countersign_worker;"
        ),
        run(grant("tools_outboxmessage", web="SELECT", worker="SELECT, INSERT")),
        run(grant("tools_note", web="SELECT", worker="SELECT, INSERT")),
    ]
