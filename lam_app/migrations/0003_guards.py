"""A run's edges, kept by the database; and what each role may do."""

from typing import ClassVar

from django.db import migrations

from traces.guards import append_only, grant, kept, run, status_edges, told

EDGES = [
    ("cancelled", "undoing"),
    ("failed", "undoing"),
    ("halted", "cancelled"),
    ("halted", "planning"),
    ("needs_human", "cancelled"),
    ("needs_human", "failed"),
    ("needs_human", "halted"),
    ("needs_human", "planning"),
    ("needs_human", "undoing"),
    ("needs_input", "cancelled"),
    ("needs_input", "halted"),
    ("needs_input", "planning"),
    ("planning", "cancelled"),
    ("planning", "failed"),
    ("planning", "halted"),
    ("planning", "needs_human"),
    ("planning", "needs_input"),
    ("planning", "succeeded"),
    ("planning", "waiting"),
    ("submitted", "cancelled"),
    ("submitted", "halted"),
    ("submitted", "planning"),
    ("succeeded", "undoing"),
    ("undoing", "halted"),
    ("undoing", "needs_human"),
    ("undoing", "undone"),
    ("waiting", "cancelled"),
    ("waiting", "halted"),
    ("waiting", "needs_human"),
    ("waiting", "planning"),
]

RUN_CHANGES = ["status", "step", "planner_id", "planner_until", "question", "problem", "context", "finished_at"]


class Migration(migrations.Migration):
    """Triggers and rights."""

    dependencies: ClassVar = [("lam_app", "0002_links"), ("approvals", "0003_guards")]
    operations: ClassVar = [
        run(status_edges("lam_app_run", "submitted", EDGES)),
        run(told("lam_app_run")),
        run(kept("lam_app_run", RUN_CHANGES)),
        run(append_only("lam_app_step")),
        run(append_only("lam_app_report")),
        run(grant("lam_app_run", web="SELECT, INSERT, UPDATE", worker="SELECT, UPDATE")),
        run(grant("lam_app_step", web="SELECT", worker="SELECT, INSERT")),
        run(grant("lam_app_report", web="SELECT", worker="SELECT, INSERT")),
    ]
