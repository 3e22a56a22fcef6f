"""Within people's limits: more time that people give themselves, steps that time takes, and how long somebody looked.

Time is given by people alone, twice at most, before it is over and never beyond thirty days. A step of a chain is done
once, when it is due and nobody has the action; it marks the action as escalated, which is all that a worker may say of
who looks at it. How long a card was open is kept beside the decision.
"""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

import traces.ids
from traces.guards import all_rows, grant, kept, own_rows, run

WAITING = models.Q(status__in=["proposed", "in_review"])

# The columns that may change at all: those of before, and how often people gave themselves more time.
KEPT = """
CREATE OR REPLACE FUNCTION approvals_action_kept() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
DECLARE
    free text[] := ARRAY['status', 'verdict', 'risk', 'maturity', 'quorum', 'teams', 'unroutable', 'revision',
                         'digest', 'summary', 'due_at', 'expires_at', 'settled_at', 'trace',
                         'tool_id', 'tool_name', 'scopes',
                         'assignee_id', 'assigned_until', 'held_by_id', 'held_at', 'held_reason', 'asked_at',
                         'escalated_at', 'voted_at', 'extended'];
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

# As before, and: without a new revision the time to decide changes only because a person gave more of it.
REWRITTEN = """
CREATE OR REPLACE FUNCTION approvals_action_rewritten() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF OLD.extended IS DISTINCT FROM NEW.extended THEN
        IF NEW.extended <> OLD.extended + 1 OR NEW.extended > 2 OR NEW.revision <> OLD.revision
            OR OLD.status <> 'in_review' OR NEW.status <> 'in_review' OR current_user = 'countersign_worker'
            OR OLD.expires_at <= clock_timestamp() OR NEW.expires_at <= OLD.expires_at
            OR NEW.expires_at > NEW.created + interval '30 days 1 minute' THEN
            RAISE EXCEPTION 'approvals_action: people give themselves more time twice, before it is over'
                USING ERRCODE = 'CS001';
        END IF;
    ELSIF OLD.expires_at IS DISTINCT FROM NEW.expires_at AND NEW.revision <> OLD.revision + 1 THEN
        RAISE EXCEPTION 'approvals_action: what was judged changes only with a new revision' USING ERRCODE = 'CS001';
    END IF;
    IF (OLD.verdict, OLD.risk, OLD.maturity, OLD.quorum, OLD.teams, OLD.unroutable, OLD.revision, OLD.digest,
        OLD.summary)
        IS DISTINCT FROM
        (NEW.verdict, NEW.risk, NEW.maturity, NEW.quorum, NEW.teams, NEW.unroutable, NEW.revision, NEW.digest,
        NEW.summary)
        AND NOT (NEW.revision = OLD.revision + 1 AND (
            OLD.status IN ('permitted', 'scheduled', 'in_review') AND NEW.status = 'in_review'
            OR OLD.status = 'proposed' AND NEW.status <> 'proposed')) THEN
        RAISE EXCEPTION 'approvals_action: what was judged changes only with a new revision' USING ERRCODE = 'CS001';
    END IF;
    IF (OLD.tool_id, OLD.tool_name, OLD.scopes) IS DISTINCT FROM (NEW.tool_id, NEW.tool_name, NEW.scopes) THEN
        IF NOT (NEW.revision = OLD.revision + 1 AND OLD.status = 'in_review' AND NEW.status = 'in_review')
            OR OLD.undo_of IS NOT NULL THEN
            RAISE EXCEPTION 'approvals_action: another tool comes only with a new revision, in review'
                USING ERRCODE = 'CS001';
        END IF;
        IF NOT EXISTS (
            SELECT 1 FROM tools_tool t
            WHERE t.id = NEW.tool_id AND t.organization_id = NEW.organization_id AND t.name = NEW.tool_name
        ) THEN
            RAISE EXCEPTION 'approvals_action: another tool than the one that is named' USING ERRCODE = 'CS001';
        END IF;
        IF NOT NEW.scopes::text[] @> (array_remove(OLD.scopes::text[], 'tool:' || OLD.tool_id)
                                      || ('tool:' || NEW.tool_id)) THEN
            RAISE EXCEPTION 'approvals_action: a stop could not reach it' USING ERRCODE = 'CS001';
        END IF;
    END IF;
    IF OLD.due_at IS DISTINCT FROM NEW.due_at AND NOT (
        OLD.status = 'proposed' AND NEW.status = 'scheduled' AND NEW.revision = OLD.revision + 1
        OR OLD.status = 'in_review' AND NEW.status = 'scheduled'
        OR OLD.status = 'scheduled' AND NEW.status = 'in_review' AND NEW.due_at IS NULL) THEN
        RAISE EXCEPTION 'approvals_action: the time to object is not changed' USING ERRCODE = 'CS001';
    END IF;
    IF OLD.status = 'scheduled' AND NEW.status = 'in_review' AND NEW.revision <> OLD.revision + 1 THEN
        RAISE EXCEPTION 'approvals_action: what comes back to people comes as a new revision' USING ERRCODE = 'CS001';
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

# More time is told of in the transaction that gives it.
TOLD = """
CREATE FUNCTION approvals_action_extended() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM traces_event e
        WHERE e.subject = NEW.id AND e.verb = 'time_given' AND e.transaction = pg_current_xact_id()::text::bigint) THEN
        RAISE EXCEPTION 'approvals_action: no event tells that % has more time', NEW.id USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER approvals_action_extended AFTER UPDATE OF extended ON approvals_action
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.extended IS DISTINCT FROM NEW.extended)
    EXECUTE FUNCTION approvals_action_extended();
"""

# As before, and: a worker marks as escalated what a step of its chain was done for, and nothing else.
DESK = """
CREATE OR REPLACE FUNCTION approvals_action_desk() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NEW.held_at IS NOT NULL AND OLD.status = 'in_review' AND NEW.status IN ('permitted', 'scheduled') THEN
        RAISE EXCEPTION 'approvals_action: % stands aside', NEW.id USING ERRCODE = 'CS001';
    END IF;
    IF (OLD.assignee_id, OLD.assigned_until, OLD.held_by_id, OLD.held_at, OLD.held_reason, OLD.asked_at,
        OLD.escalated_at)
        IS NOT DISTINCT FROM
        (NEW.assignee_id, NEW.assigned_until, NEW.held_by_id, NEW.held_at, NEW.held_reason, NEW.asked_at,
        NEW.escalated_at) THEN
        RETURN NULL;
    END IF;
    IF current_user = 'countersign_worker' AND NOT (
        (OLD.assignee_id, OLD.assigned_until, OLD.held_by_id, OLD.held_at, OLD.held_reason, OLD.asked_at)
        IS NOT DISTINCT FROM
        (NEW.assignee_id, NEW.assigned_until, NEW.held_by_id, NEW.held_at, NEW.held_reason, NEW.asked_at)
        AND OLD.escalated_at IS NULL AND EXISTS (
            SELECT 1 FROM approvals_escalation e
            WHERE e.action_id = NEW.id AND e.revision = NEW.revision AND e.done_at = NEW.escalated_at)) THEN
        RAISE EXCEPTION 'approvals_action: who looks at it is for people to say' USING ERRCODE = 'CS001';
    END IF;
    IF NEW.assignee_id IS NOT NULL
        AND (OLD.assignee_id, OLD.assigned_until) IS DISTINCT FROM (NEW.assignee_id, NEW.assigned_until) AND (
            NEW.status NOT IN ('in_review', 'uncertain')
            OR NEW.assigned_until > clock_timestamp() + interval '1 day 1 minute'
            OR NOT approvals_may_decide(NEW.assignee_id, NEW.tool_id, NEW.principals)) THEN
        RAISE EXCEPTION 'approvals_action: whoever takes it may decide on it, for a while' USING ERRCODE = 'CS001';
    END IF;
    IF NEW.held_by_id IS NOT NULL
        AND (OLD.held_by_id, OLD.held_at, OLD.held_reason)
            IS DISTINCT FROM (NEW.held_by_id, NEW.held_at, NEW.held_reason)
        AND (NEW.status <> 'in_review' OR NOT approvals_may_decide(NEW.held_by_id, NEW.tool_id, NEW.principals)) THEN
        RAISE EXCEPTION 'approvals_action: whoever sets it aside may decide on it' USING ERRCODE = 'CS001';
    END IF;
    IF NEW.asked_at IS NOT NULL AND OLD.asked_at IS DISTINCT FROM NEW.asked_at AND NOT EXISTS (
        SELECT 1 FROM approvals_remark r WHERE r.action_id = NEW.id AND r.kind = 'question'
    ) THEN
        RAISE EXCEPTION 'approvals_action: nobody asked anything' USING ERRCODE = 'CS001';
    END IF;
    IF NEW.asked_at IS NULL AND OLD.asked_at IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM approvals_remark r
        WHERE r.action_id = NEW.id AND r.kind = 'answer' AND r.created >= OLD.asked_at
    ) THEN
        RAISE EXCEPTION 'approvals_action: nobody answered' USING ERRCODE = 'CS001';
    END IF;
    IF NEW.escalated_at IS NULL AND OLD.escalated_at IS NOT NULL THEN
        RAISE EXCEPTION 'approvals_action: what was escalated stays so' USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
"""

STEPS = """
CREATE FUNCTION approvals_escalation_born() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM approvals_action a WHERE a.id = NEW.action_id AND a.organization_id = NEW.organization_id) THEN
        RAISE EXCEPTION 'approvals_escalation: another organization''s action' USING ERRCODE = 'CS001';
    END IF;
    IF NEW.done_at IS NOT NULL OR NEW.skipped THEN
        RAISE EXCEPTION 'approvals_escalation: a step begins undone' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_escalation_born BEFORE INSERT ON approvals_escalation
    FOR EACH ROW EXECUTE FUNCTION approvals_escalation_born();

CREATE FUNCTION approvals_escalation_done() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF OLD.done_at IS NOT NULL OR OLD.skipped THEN
        RAISE EXCEPTION 'approvals_escalation: step % is over', OLD.id USING ERRCODE = 'CS001';
    END IF;
    IF NEW.done_at IS NOT NULL THEN
        IF OLD.due_at > clock_timestamp() OR NOT EXISTS (
            SELECT 1 FROM approvals_action a
            WHERE a.id = NEW.action_id AND a.status = 'in_review' AND a.revision = NEW.revision
              AND (a.assigned_until IS NULL OR a.assigned_until <= clock_timestamp())) THEN
            RAISE EXCEPTION 'approvals_escalation: it is not time for step %', OLD.id USING ERRCODE = 'CS001';
        END IF;
        NEW.done_at := clock_timestamp();
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_escalation_done BEFORE UPDATE ON approvals_escalation
    FOR EACH ROW EXECUTE FUNCTION approvals_escalation_done();

CREATE FUNCTION approvals_escalation_told() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM traces_event e
        WHERE e.subject = NEW.action_id AND e.verb = 'asked_team'
          AND e.transaction = pg_current_xact_id()::text::bigint) THEN
        RAISE EXCEPTION 'approvals_escalation: no event tells of step %', NEW.id USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER approvals_escalation_told AFTER UPDATE ON approvals_escalation
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.done_at IS NOT NULL)
    EXECUTE FUNCTION approvals_escalation_told();
"""


class Migration(migrations.Migration):
    """Five columns, one table, two indexes, three functions anew."""

    dependencies: ClassVar = [("accounts", "0002_grants"), ("approvals", "0023_bulk")]
    operations: ClassVar = [
        migrations.AddField("action", "extended", models.SmallIntegerField(db_default=0, default=0)),
        migrations.AddField("decision", "seconds", models.FloatField(null=True)),
        migrations.AddField("decision", "folds", models.SmallIntegerField(db_default=0, default=0)),
        migrations.AddField("decision", "opened", models.SmallIntegerField(db_default=0, default=0)),
        migrations.AddField("decision", "among", models.SmallIntegerField(db_default=0, default=0)),
        migrations.AddConstraint(
            "decision",
            models.CheckConstraint(
                condition=models.Q(seconds__isnull=True) | models.Q(seconds__gte=0),
                name="decision_seconds_not_negative",
            ),
        ),
        migrations.AddIndex(
            "action",
            models.Index(fields=["organization", "initiator"], condition=WAITING, name="action_waiting"),
        ),
        migrations.AddIndex("action", models.Index(fields=["agent"], condition=WAITING, name="action_waiting_agent")),
        migrations.CreateModel(
            name="Escalation",
            fields=[
                ("id", models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False)),
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
                    "action",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="escalations",
                        to="approvals.action",
                    ),
                ),
                ("revision", models.SmallIntegerField()),
                ("number", models.SmallIntegerField()),
                ("team", models.CharField(max_length=120)),
                ("due_at", models.DateTimeField()),
                ("done_at", models.DateTimeField(null=True)),
                ("able", models.SmallIntegerField(null=True)),
                ("skipped", models.BooleanField(default=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["action", "revision", "number"], name="escalation_step_once"),
                    models.CheckConstraint(
                        condition=models.Q(done_at__isnull=True) | models.Q(skipped=False),
                        name="escalation_done_or_skipped",
                    ),
                ],
                "indexes": [
                    models.Index(
                        fields=["due_at", "id"],
                        condition=models.Q(done_at__isnull=True, skipped=False),
                        name="escalation_due",
                    ),
                ],
            },
        ),
        run(KEPT),
        run(REWRITTEN),
        run(TOLD),
        run(STEPS),
        run(DESK),
        run(kept("approvals_escalation", ["done_at", "able", "skipped"])),
        run(own_rows("approvals_escalation"), all_rows("approvals_escalation")),
        run(grant("approvals_escalation", web="SELECT, INSERT", worker="SELECT, INSERT")),
        run("GRANT UPDATE (done_at, able, skipped) ON approvals_escalation TO countersign_worker;"),
    ]
