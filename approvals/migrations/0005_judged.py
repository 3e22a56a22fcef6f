"""What an action needs beside a number of people; and the two other moments at which a new revision takes its place.

A preview that arrives while an action is PROPOSED, and an edit while it is in review, make the next revision, as a
permit that became void does.
"""

from typing import ClassVar

from django.db import migrations, models

from traces.guards import run

REWRITTEN = """
CREATE OR REPLACE FUNCTION approvals_action_rewritten() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF (OLD.verdict, OLD.risk, OLD.maturity, OLD.quorum, OLD.teams, OLD.unroutable, OLD.revision, OLD.digest,
        OLD.summary, OLD.expires_at)
        IS DISTINCT FROM
        (NEW.verdict, NEW.risk, NEW.maturity, NEW.quorum, NEW.teams, NEW.unroutable, NEW.revision, NEW.digest,
        NEW.summary, NEW.expires_at)
        AND NOT (NEW.revision = OLD.revision + 1 AND (
            OLD.status = 'permitted' AND NEW.status = 'in_review'
            OR OLD.status = 'in_review' AND NEW.status = 'in_review'
            OR OLD.status = 'proposed' AND NEW.status <> 'proposed')) THEN
        RAISE EXCEPTION 'approvals_action: what was judged changes only with a new revision' USING ERRCODE = 'CS001';
    END IF;
    IF OLD.due_at IS DISTINCT FROM NEW.due_at
        AND NOT (OLD.status = 'proposed' AND NEW.status = 'scheduled' AND NEW.revision = OLD.revision + 1) THEN
        RAISE EXCEPTION 'approvals_action: the time to object is not changed' USING ERRCODE = 'CS001';
    END IF;
    IF OLD.status = 'in_review' AND NEW.status IN ('permitted', 'scheduled') AND NEW.expires_at <= now() THEN
        RAISE EXCEPTION 'approvals_action: time ran out for %', NEW.id USING ERRCODE = 'CS001';
    END IF;
    IF OLD.status = 'scheduled' AND NEW.status = 'permitted'
        AND (NEW.due_at IS NULL OR NEW.due_at > clock_timestamp()) THEN
        RAISE EXCEPTION 'approvals_action: the time to object is not over for %', NEW.id USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
"""

# The columns that may change at all (guards.kept): the older list and the two new ones.
KEPT = """
CREATE OR REPLACE FUNCTION approvals_action_kept() RETURNS trigger LANGUAGE plpgsql AS $guard$
DECLARE
    free text[] := ARRAY['status', 'verdict', 'risk', 'maturity', 'quorum', 'teams', 'unroutable', 'revision',
                         'digest', 'summary', 'due_at', 'expires_at', 'settled_at', 'trace'];
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


class Migration(migrations.Migration):
    """Two columns, two functions."""

    dependencies: ClassVar = [("approvals", "0004_content")]
    operations: ClassVar = [
        migrations.AddField("action", "teams", models.JSONField(default=list)),
        migrations.AddField("action", "unroutable", models.TextField(blank=True, default=""), preserve_default=False),
        run(REWRITTEN),
        run(KEPT),
    ]
