"""The desk's trigger wakes only for what it guards: most changes of an action's row touch nothing of the desk."""

from typing import ClassVar

from django.db import migrations

DESK = (
    "assignee_id",
    "assigned_until",
    "held_by_id",
    "held_at",
    "held_reason",
    "asked_at",
    "escalated_at",
)
"""Columns that people at the desk set, and that no program may."""
NARROW = f"""
DROP TRIGGER approvals_action_desk ON approvals_action;
CREATE TRIGGER approvals_action_desk AFTER UPDATE ON approvals_action
    FOR EACH ROW WHEN (
        ({", ".join(f"OLD.{name}" for name in DESK)})
            IS DISTINCT FROM
        ({", ".join(f"NEW.{name}" for name in DESK)})
        OR (NEW.held_at IS NOT NULL AND OLD.status = 'in_review' AND NEW.status IN ('permitted', 'scheduled'))
    ) EXECUTE FUNCTION approvals_action_desk();
"""
WIDE = """
DROP TRIGGER approvals_action_desk ON approvals_action;
CREATE TRIGGER approvals_action_desk AFTER UPDATE ON approvals_action
    FOR EACH ROW EXECUTE FUNCTION approvals_action_desk();
"""


class Migration(migrations.Migration):
    """The same function, woken by a change of the desk's columns, or by a yes to what stands aside."""

    dependencies: ClassVar = [("approvals", "0021_expiring")]
    operations: ClassVar = [migrations.RunSQL(NARROW, WIDE)]
