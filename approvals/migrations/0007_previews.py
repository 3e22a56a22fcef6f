"""What tools said that they would do. An answer is written once, by a worker, about a revision that there is."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

import traces.ids
from traces.guards import grant, kept, run, status_edges

STATES = [("asked", "Asked"), ("done", "Done"), ("refused", "Refused"), ("failed", "Failed")]
EDGES = [("asked", "done"), ("asked", "failed"), ("asked", "refused")]
ASKING = "id, organization_id, action_id, revision, tool_version_id, arguments_digest"
ANSWERING = "claimer_id, claimed_at, attempts, state, answered_at, content, preconditions, drifted, closed_at"

# Whoever asks, asks about the very call that stands in the action's current revision or the one before it.
BORN = """
CREATE FUNCTION approvals_preview_born() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM approvals_action a JOIN approvals_revision r ON r.action_id = a.id AND r.number = NEW.revision
        WHERE a.id = NEW.action_id AND a.organization_id = NEW.organization_id
          AND a.revision IN (NEW.revision, NEW.revision + 1)
          AND r.tool_version_id = NEW.tool_version_id AND r.arguments_digest = NEW.arguments_digest
    ) THEN
        RAISE EXCEPTION 'approvals_preview: it asks about another call than the one that stands'
            USING ERRCODE = 'CS001';
    END IF;
    IF NEW.content <> '' OR NEW.preconditions <> '' OR NEW.drifted OR NEW.attempts <> 0
        OR NEW.claimer_id IS NOT NULL OR NEW.answered_at IS NOT NULL OR NEW.closed_at IS NOT NULL THEN
        RAISE EXCEPTION 'approvals_preview: a row begins without an answer' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_preview_born BEFORE INSERT ON approvals_preview
    FOR EACH ROW EXECUTE FUNCTION approvals_preview_born();
"""

ANSWERED = """
CREATE FUNCTION approvals_preview_answered() RETURNS trigger LANGUAGE plpgsql AS $guard$
DECLARE
    answered boolean := NEW.state <> 'asked';
BEGIN
    IF OLD.state <> 'asked' AND to_jsonb(OLD) - 'closed_at' IS DISTINCT FROM to_jsonb(NEW) - 'closed_at' THEN
        RAISE EXCEPTION 'approvals_preview: an answer is written once' USING ERRCODE = 'CS001';
    END IF;
    IF answered <> (NEW.answered_at IS NOT NULL) OR answered <> (NEW.content <> '')
        OR NOT answered AND (NEW.preconditions <> '' OR NEW.drifted) THEN
        RAISE EXCEPTION 'approvals_preview: an answer is written whole' USING ERRCODE = 'CS001';
    END IF;
    IF OLD.closed_at IS NOT NULL AND NEW.closed_at IS DISTINCT FROM OLD.closed_at THEN
        RAISE EXCEPTION 'approvals_preview: what is closed stays closed' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_preview_answered BEFORE UPDATE ON approvals_preview
    FOR EACH ROW EXECUTE FUNCTION approvals_preview_answered();
"""


def _to(model: str, **more: object) -> models.ForeignKey:
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=model, **{"related_name": "+", **more})


class Migration(migrations.Migration):
    """One table, its guards, and who may write what in it."""

    dependencies: ClassVar = [("approvals", "0006_limits"), ("tools", "0006_verdicts")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="PreviewRow",
            fields=[
                ("id", models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("revision", models.SmallIntegerField()),
                ("arguments_digest", models.CharField(max_length=80)),
                ("asked_at", models.DateTimeField(db_default=Now())),
                ("claimed_at", models.DateTimeField(null=True)),
                ("attempts", models.SmallIntegerField(db_default=0)),
                ("state", models.CharField(choices=STATES, db_default="asked", max_length=8)),
                ("answered_at", models.DateTimeField(null=True)),
                ("content", models.TextField(blank=True, db_default="")),
                ("preconditions", models.CharField(blank=True, db_default="", max_length=80)),
                ("drifted", models.BooleanField(db_default=False)),
                ("closed_at", models.DateTimeField(null=True)),
                ("action", _to("approvals.action", related_name="previews")),
                ("claimer", _to("tools.worker", null=True)),
                ("organization", _to("accounts.organization")),
                ("tool_version", _to("tools.toolversion")),
            ],
            options={
                "db_table": "approvals_preview",
                "indexes": [
                    models.Index(fields=["id"], condition=models.Q(closed_at__isnull=True), name="preview_open"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=["action", "revision"], name="preview_once_a_revision"),
                    models.CheckConstraint(
                        condition=models.Q(state__in=["asked", "done", "refused", "failed"]),
                        name="preview_state_known",
                    ),
                ],
            },
        ),
        run("ALTER TABLE approvals_preview ADD CONSTRAINT preview_bounded CHECK (octet_length(content) <= 60000);"),
        run(status_edges("approvals_preview", "asked", EDGES, column="state")),
        run(kept("approvals_preview", ANSWERING.split(", "))),
        run(BORN),
        run(ANSWERED),
        run(grant("approvals_preview", web="SELECT", worker="SELECT")),
        run(f"GRANT INSERT ({ASKING}) ON approvals_preview TO countersign_web, countersign_worker;"),
        # What a tool answered comes from those who may ask it: never from the web.
        run(f"GRANT UPDATE ({ANSWERING}) ON approvals_preview TO countersign_worker;"),
    ]
