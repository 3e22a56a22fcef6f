"""What an action is may not be rewritten behind its votes, whoever writes: the gate's words are the database's too.

An action is born with every scope that could stop it and with whoever it acts for among its principals; what was
judged and shown changes only together with a new revision, on the way back to people; a decision is made while it
can be, by somebody who may.
"""

from typing import ClassVar

from django.db import migrations

from traces.guards import run

BORN = """
CREATE FUNCTION approvals_action_born() RETURNS trigger LANGUAGE plpgsql AS $guard$
DECLARE
    owner uuid;
    needed text[];
BEGIN
    SELECT g.owner_id INTO owner FROM accounts_agent g
    WHERE g.id = NEW.agent_id AND g.organization_id = NEW.organization_id;
    IF owner IS NULL THEN
        RAISE EXCEPTION 'approvals_action: another organization''s agent' USING ERRCODE = 'CS001';
    END IF;
    IF NEW.tool_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM tools_tool t
        WHERE t.id = NEW.tool_id AND t.organization_id = NEW.organization_id AND t.name = NEW.tool_name
    ) THEN
        RAISE EXCEPTION 'approvals_action: another tool than the one that is named' USING ERRCODE = 'CS001';
    END IF;
    IF NOT NEW.initiator_id = ANY (NEW.principals)
        OR (NEW.origin = 'agent' AND NOT owner = ANY (NEW.principals)) THEN
        RAISE EXCEPTION 'approvals_action: somebody it acts for is not among its principals' USING ERRCODE = 'CS001';
    END IF;
    needed := ARRAY['everything', 'organization:' || NEW.organization_id, 'agent:' || NEW.agent_id,
                    'initiator:' || NEW.initiator_id, 'run:' || NEW.run];
    IF NEW.tool_id IS NOT NULL THEN
        needed := needed || ('tool:' || NEW.tool_id);
    END IF;
    IF NOT NEW.scopes::text[] @> needed THEN
        RAISE EXCEPTION 'approvals_action: a stop could not reach it' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_action_born BEFORE INSERT ON approvals_action
    FOR EACH ROW EXECUTE FUNCTION approvals_action_born();
"""

# After the row's own CHECKs and the older triggers, whose words are more exact where both refuse.
REWRITTEN = """
CREATE FUNCTION approvals_action_rewritten() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF (OLD.verdict, OLD.risk, OLD.maturity, OLD.quorum, OLD.revision, OLD.digest, OLD.summary, OLD.expires_at)
        IS DISTINCT FROM
        (NEW.verdict, NEW.risk, NEW.maturity, NEW.quorum, NEW.revision, NEW.digest, NEW.summary, NEW.expires_at)
        AND NOT (OLD.status = 'permitted' AND NEW.status = 'in_review' AND NEW.revision = OLD.revision + 1) THEN
        RAISE EXCEPTION 'approvals_action: what was judged changes only with a new revision' USING ERRCODE = 'CS001';
    END IF;
    IF OLD.due_at IS DISTINCT FROM NEW.due_at THEN
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
CREATE TRIGGER approvals_action_rewritten AFTER UPDATE ON approvals_action
    FOR EACH ROW EXECUTE FUNCTION approvals_action_rewritten();
"""

# A revision is its action's current one when it is written, and the only one of that number: nobody can put the next
# one in its place beforehand. That every action has its current one is asked at the commit.
REVISION = """
CREATE FUNCTION approvals_revision_current() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM approvals_action a
        JOIN approvals_policyversion v ON v.id = NEW.policy_version_id AND v.organization_id = a.organization_id
        WHERE a.id = NEW.action_id AND a.organization_id = NEW.organization_id
          AND a.revision = NEW.number AND a.digest = NEW.digest
          AND (NEW.tool_version_id IS NULL OR EXISTS (
              SELECT 1 FROM tools_toolversion t WHERE t.id = NEW.tool_version_id AND t.tool_id = a.tool_id))
    ) THEN
        RAISE EXCEPTION 'approvals_revision: not the current one of its action' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_revision_current BEFORE INSERT ON approvals_revision
    FOR EACH ROW EXECUTE FUNCTION approvals_revision_current();
CREATE FUNCTION approvals_action_whole() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM approvals_action a
        JOIN approvals_revision r ON r.action_id = a.id AND r.number = a.revision AND r.digest = a.digest
        WHERE a.id = NEW.id
    ) THEN
        RAISE EXCEPTION 'approvals_action: % has no revision of that number and digest', NEW.id
            USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER approvals_action_whole_insert AFTER INSERT ON approvals_action
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION approvals_action_whole();
CREATE CONSTRAINT TRIGGER approvals_action_whole AFTER UPDATE OF revision, digest ON approvals_action
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.revision IS DISTINCT FROM NEW.revision OR OLD.digest IS DISTINCT FROM NEW.digest)
    EXECUTE FUNCTION approvals_action_whole();
"""

# After the CHECK on the principals, whose words are more exact. The beginning of the transaction is what the time is
# compared with: a decision that our own code let through a moment ago must not fail here.
DECIDED = """
CREATE FUNCTION approvals_decision_stands() RETURNS trigger LANGUAGE plpgsql AS $guard$
DECLARE
    action record;
BEGIN
    SELECT a.status, a.expires_at, a.tool_id, a.digest INTO STRICT action
    FROM approvals_action a WHERE a.id = NEW.action_id;
    IF action.digest <> NEW.digest THEN
        RAISE EXCEPTION 'approvals_decision: the action has another revision by now' USING ERRCODE = 'CS001';
    END IF;
    IF NEW.verb IN ('approve', 'reject') AND (action.status <> 'in_review' OR action.expires_at <= now())
        OR NEW.verb IN ('happened', 'did_not_happen') AND action.status <> 'uncertain' THEN
        RAISE EXCEPTION 'approvals_decision: it does not wait for that any more' USING ERRCODE = 'CS001';
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM tools_right x
        WHERE x.user_id = NEW.decider_id AND x.tool_id = action.tool_id AND x.codename = 'review_tool'
    ) THEN
        RAISE EXCEPTION 'approvals_decision: the decider may not decide on this' USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE TRIGGER approvals_decision_stands AFTER INSERT ON approvals_decision
    FOR EACH ROW EXECUTE FUNCTION approvals_decision_stands();
"""


class Migration(migrations.Migration):
    """Triggers only."""

    dependencies: ClassVar = [("approvals", "0003_guards"), ("tools", "0005_told")]
    operations: ClassVar = [run(BORN), run(REWRITTEN), run(REVISION), run(DECIDED)]
