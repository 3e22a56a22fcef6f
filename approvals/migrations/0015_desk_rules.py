"""What the desk may write, and what nobody may: the database's side of what people do with an action.

Who looks at an action, that it was set aside and that something was asked are people's to say, never a worker's; an
action that stands aside is approved by nobody; another tool takes the place of the first only with a new revision and
under every stop that could reach it; what people say to each other is written once.
"""

from typing import ClassVar

from django.db import migrations, models

from traces.guards import all_rows, append_only, grant, own_rows, run

CODES = [
    "", "wrong_target", "wrong_value", "wrong_tool", "missing_information", "duplicate", "not_needed", "not_allowed",
    "other",
]  # fmt: skip

# The columns that may change at all: those of before, the tool that a person chose, and the desk's own.
KEPT = """
CREATE OR REPLACE FUNCTION approvals_action_kept() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
DECLARE
    free text[] := ARRAY['status', 'verdict', 'risk', 'maturity', 'quorum', 'teams', 'unroutable', 'revision',
                         'digest', 'summary', 'due_at', 'expires_at', 'settled_at', 'trace',
                         'tool_id', 'tool_name', 'scopes',
                         'assignee_id', 'assigned_until', 'held_by_id', 'held_at', 'held_reason', 'asked_at',
                         'escalated_at'];
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

# As before, and: what was about to leave comes back to people with a new revision; the time within which a yes can be
# taken back begins with the yes; another tool comes with a new revision, never for an undo.
REWRITTEN = """
CREATE OR REPLACE FUNCTION approvals_action_rewritten() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF (OLD.verdict, OLD.risk, OLD.maturity, OLD.quorum, OLD.teams, OLD.unroutable, OLD.revision, OLD.digest,
        OLD.summary, OLD.expires_at)
        IS DISTINCT FROM
        (NEW.verdict, NEW.risk, NEW.maturity, NEW.quorum, NEW.teams, NEW.unroutable, NEW.revision, NEW.digest,
        NEW.summary, NEW.expires_at)
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

DESK = """
CREATE FUNCTION approvals_action_desk() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
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
    IF current_user = 'countersign_worker' THEN
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
CREATE FUNCTION approvals_may_decide(_person uuid, _tool uuid, _principals uuid[]) RETURNS boolean
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $guard$
    SELECT NOT _person = ANY (_principals) AND EXISTS (
        SELECT 1 FROM tools_right x
        WHERE x.user_id = _person AND x.tool_id = _tool AND x.codename = 'review_tool')
$guard$;
CREATE TRIGGER approvals_action_desk AFTER UPDATE ON approvals_action
    FOR EACH ROW EXECUTE FUNCTION approvals_action_desk();
"""

# As before, and: a no also ends what is about to leave by itself; there is no yes to what stands aside.
DECIDED = """
CREATE OR REPLACE FUNCTION approvals_decision_stands() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
DECLARE
    action record;
BEGIN
    SELECT a.status, a.expires_at, a.tool_id, a.digest, a.held_at INTO STRICT action
    FROM approvals_action a WHERE a.id = NEW.action_id;
    IF action.digest <> NEW.digest THEN
        RAISE EXCEPTION 'approvals_decision: the action has another revision by now' USING ERRCODE = 'CS001';
    END IF;
    IF NEW.verb IN ('approve', 'reject') AND (action.status <> 'in_review' OR action.expires_at <= now())
            AND NOT (NEW.verb = 'reject' AND action.status = 'scheduled')
        OR NEW.verb IN ('happened', 'did_not_happen') AND action.status <> 'uncertain' THEN
        RAISE EXCEPTION 'approvals_decision: it does not wait for that any more' USING ERRCODE = 'CS001';
    END IF;
    IF NEW.verb = 'approve' AND action.held_at IS NOT NULL THEN
        RAISE EXCEPTION 'approvals_decision: the action stands aside' USING ERRCODE = 'CS001';
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM tools_right x
        WHERE x.user_id = NEW.decider_id AND x.tool_id = action.tool_id AND x.codename = 'review_tool'
    ) THEN
        RAISE EXCEPTION 'approvals_decision: the decider may not decide on this' USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
"""

REMARK = """
CREATE FUNCTION approvals_remark_born() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
DECLARE
    action record;
BEGIN
    SELECT a.organization_id, a.status, a.tool_id, a.principals, a.asked_at INTO STRICT action
    FROM approvals_action a WHERE a.id = NEW.action_id;
    IF action.organization_id <> NEW.organization_id OR NOT EXISTS (
        SELECT 1 FROM accounts_membership m
        WHERE m.user_id = NEW.author_id AND m.organization_id = NEW.organization_id
    ) THEN
        RAISE EXCEPTION 'approvals_remark: another organization''s action' USING ERRCODE = 'CS001';
    END IF;
    IF NEW.kind = 'question' AND (action.status <> 'in_review'
        OR NOT approvals_may_decide(NEW.author_id, action.tool_id, action.principals)) THEN
        RAISE EXCEPTION 'approvals_remark: whoever asks may decide on it' USING ERRCODE = 'CS001';
    END IF;
    IF NEW.kind = 'answer' AND (action.asked_at IS NULL OR NOT NEW.author_id = ANY (action.principals)) THEN
        RAISE EXCEPTION 'approvals_remark: an answer is a principal''s, to what was asked' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_remark_born BEFORE INSERT ON approvals_remark
    FOR EACH ROW EXECUTE FUNCTION approvals_remark_born();
ALTER TABLE approvals_remark ADD CONSTRAINT remark_bounded CHECK (octet_length(text) <= 20000);
"""


class Migration(migrations.Migration):
    """One column, a default, four functions anew, two triggers, and who may write remarks."""

    dependencies: ClassVar = [("approvals", "0014_desk")]
    operations: ClassVar = [
        migrations.AlterField("decision", "code", models.CharField(blank=True, db_default="", max_length=24)),
        migrations.AddField("action", "escalated_at", models.DateTimeField(null=True)),
        migrations.AddConstraint(
            "action",
            models.CheckConstraint(
                condition=models.Q(assignee__isnull=True, assigned_until__isnull=True)
                | models.Q(assignee__isnull=False, assigned_until__isnull=False),
                name="action_taken_for_a_while",
            ),
        ),
        migrations.AddConstraint(
            "action",
            models.CheckConstraint(
                condition=models.Q(held_by__isnull=True, held_at__isnull=True, held_reason="")
                | (models.Q(held_by__isnull=False, held_at__isnull=False) & ~models.Q(held_reason="")),
                name="action_set_aside_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            "decision",
            models.CheckConstraint(condition=models.Q(code__in=CODES), name="decision_code_known"),
        ),
        migrations.AddConstraint(
            "decision",
            models.CheckConstraint(condition=models.Q(code="") | models.Q(verb="reject"), name="decision_code_of_a_no"),
        ),
        run(KEPT),
        run(REWRITTEN),
        run(DESK),
        run(DECIDED),
        run(REMARK),
        run(append_only("approvals_remark")),
        run(grant("approvals_remark", web="SELECT, INSERT", worker="SELECT")),
        run(own_rows("approvals_remark"), all_rows("approvals_remark")),
    ]
