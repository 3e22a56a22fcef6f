"""What keeps the inbox fast with many waiting and very many old, and what people keep for themselves.

Every index is partial: what is over costs none of them anything. Risk is compared as a number, high first, so that a
list is read from its beginning in the order in which it is shown.
"""

from typing import ClassVar

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import traces.ids
from traces.guards import all_rows, grant, kept, own_rows, run

IN_REVIEW = models.Q(status="in_review")
URGENCY = models.Case(
    models.When(risk="high", then=models.Value(0)),
    models.When(risk="medium", then=models.Value(1)),
    default=models.Value(2),
    output_field=models.SmallIntegerField(),
)

# The columns that may change at all: those of before, and when somebody first said yes where more are needed.
KEPT = """
CREATE OR REPLACE FUNCTION approvals_action_kept() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
DECLARE
    free text[] := ARRAY['status', 'verdict', 'risk', 'maturity', 'quorum', 'teams', 'unroutable', 'revision',
                         'digest', 'summary', 'due_at', 'expires_at', 'settled_at', 'trace',
                         'tool_id', 'tool_name', 'scopes',
                         'assignee_id', 'assigned_until', 'held_by_id', 'held_at', 'held_reason', 'asked_at',
                         'escalated_at', 'voted_at'];
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION 'approvals_action: rows are kept; % is refused', TG_OP USING ERRCODE = 'CS001';
    END IF;
    IF to_jsonb(OLD) - free IS DISTINCT FROM to_jsonb(NEW) - free THEN
        RAISE EXCEPTION 'approvals_action: only % may change', array_to_string(free, ', ') USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
"""

# One person's yes of several is marked on the action, so that what lacks another is found without asking every vote
# that was ever given. It is only ever a hint: whose votes count is asked of the votes.
VOTED = """
CREATE FUNCTION approvals_decision_marks() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    UPDATE approvals_action SET voted_at = clock_timestamp()
    WHERE id = NEW.action_id AND status = 'in_review' AND voted_at IS NULL
      AND (quorum > 1 OR jsonb_array_length(teams) > 0);
    RETURN NULL;
END $guard$;
CREATE TRIGGER approvals_decision_marks AFTER INSERT ON approvals_decision
    FOR EACH ROW WHEN (NEW.verb = 'approve') EXECUTE FUNCTION approvals_decision_marks();
"""


class Migration(migrations.Migration):
    """Indexes, the mark of a first vote, saved views."""

    dependencies: ClassVar = [
        ("accounts", "0002_grants"),
        ("approvals", "0015_desk_rules"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.AddField("action", "voted_at", models.DateTimeField(null=True)),
        run(KEPT),
        run(VOTED),
        migrations.RemoveIndex("action", "action_inbox_tool"),
        migrations.AddIndex(
            "action",
            models.Index("tool", URGENCY, "created", "id", condition=IN_REVIEW, name="action_inbox_tool"),
        ),
        migrations.AddIndex(
            "action",
            models.Index("organization", URGENCY, "created", "id", condition=IN_REVIEW, name="action_inbox_all"),
        ),
        migrations.AddIndex(
            "action",
            models.Index(fields=["tool", "expires_at", "id"], condition=IN_REVIEW, name="action_inbox_soon"),
        ),
        migrations.AddIndex(
            "action",
            models.Index(fields=["assignee"], condition=models.Q(assignee__isnull=False), name="action_taken"),
        ),
        migrations.AddIndex(
            "action",
            models.Index(
                fields=["organization"],
                condition=models.Q(status="in_review", held_at__isnull=False),
                name="action_aside",
            ),
        ),
        migrations.AddIndex(
            "action",
            models.Index(
                fields=["organization"],
                condition=models.Q(status="in_review", voted_at__isnull=False),
                name="action_voted",
            ),
        ),
        migrations.AddIndex(
            "action",
            models.Index(
                fields=["organization"],
                condition=models.Q(status="in_review", undo_of__isnull=False),
                name="action_undoing",
            ),
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=40)),
                ("query", models.CharField(max_length=600)),
                ("created", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("forgotten_at", models.DateTimeField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "owner", "name"),
                        condition=models.Q(forgotten_at__isnull=True),
                        name="view_name_once_a_person",
                    ),
                    models.CheckConstraint(condition=models.Q(("name", ""), _negated=True), name="view_has_a_name"),
                ]
            },
        ),
        run(grant("approvals_savedview", web="SELECT, INSERT, UPDATE (forgotten_at)")),
        run(kept("approvals_savedview", ["forgotten_at"])),
        run(own_rows("approvals_savedview"), all_rows("approvals_savedview")),
    ]
