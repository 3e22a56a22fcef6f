"""Erasing a person, once two others have said so, slice by slice.

The function is the owner's, for the worker's account alone, and writes the row that opens the guards
(``traces_forgetting``). Of a person's runs only those that are over are emptied; their rows stay with their states,
digests and people, so that who decided what is still known, and the sealed envelopes stay as they are.
"""

from typing import ClassVar

from django.db import migrations

from traces.guards import passing, run

# A revision's facts and ruling stay readable in their form; what somebody wrote or a tool answered goes out of them.
BARE = """
CREATE FUNCTION lam_app_bare(told jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
    SELECT CASE jsonb_typeof(told)
        WHEN 'object' THEN coalesce((
            SELECT jsonb_object_agg(key, CASE
                WHEN key IN ('text', 'summary', 'reason', 'goal', 'effect', 'note', 'why_not')
                     AND jsonb_typeof(value) = 'string' THEN '"[erased]"'::jsonb
                WHEN key IN ('arguments', 'effect') AND jsonb_typeof(value) = 'object' THEN '{}'::jsonb
                WHEN key IN ('provenance', 'resources') AND jsonb_typeof(value) = 'array' THEN '[]'::jsonb
                ELSE lam_app_bare(value) END) FROM jsonb_each(told)), '{}')
        WHEN 'array' THEN coalesce((SELECT jsonb_agg(lam_app_bare(one)) FROM jsonb_array_elements(told) one), '[]')
        ELSE told END
$$;
"""

ERASE = """
-- Runs of a person in an organization that hold something yet: those of the planner, and of agents from outside.
CREATE FUNCTION lam_app_runs_of(of uuid, whose uuid) RETURNS TABLE (run uuid, flies boolean, held boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT r.id, r.status NOT IN ('succeeded', 'failed', 'cancelled', 'undone') OR EXISTS (
               SELECT 1 FROM approvals_action a WHERE a.run = r.id AND a.status IN (
                   'proposed', 'in_review', 'scheduled', 'permitted', 'executing', 'uncertain')),
           lam_app_held(of, r.id, ARRAY[whose])
    FROM lam_app_run r WHERE r.organization_id = of AND r.initiator_id = whose AND r.goal <> '[erased]'
    UNION ALL
    SELECT a.run, bool_or(a.status IN ('proposed', 'in_review', 'scheduled', 'permitted', 'executing', 'uncertain')),
           lam_app_held(of, a.run, ARRAY[whose])
    FROM approvals_action a WHERE a.organization_id = of AND a.initiator_id = whose AND a.summary <> '[erased]'
      AND NOT EXISTS (SELECT 1 FROM lam_app_run r WHERE r.id = a.run)
    GROUP BY a.run
$$;

CREATE FUNCTION lam_app_empty_runs(of uuid, ids uuid[]) RETURNS void LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    gone constant text := '[erased]';
    acts uuid[];
    files uuid[];
    calls uuid[];
BEGIN
    SELECT array_agg(a.id) INTO acts FROM approvals_action a WHERE a.organization_id = of AND a.run = ANY (ids);
    SELECT array_agg(c.content_id) INTO files FROM lam_app_attachment c WHERE c.run_id = ANY (ids);
    SELECT array_agg(t.id) INTO calls FROM traces_trace t WHERE t.organization = of AND t.run = ANY (ids);
    UPDATE lam_app_run SET goal = gone, context = '{}', question = '', problem = '' WHERE id = ANY (ids);
    UPDATE lam_app_step SET intent = '{}' WHERE run_id = ANY (ids);
    UPDATE lam_app_runplan SET goal = gone, steps = '[]', missing = '[]' WHERE run_id = ANY (ids);
    UPDATE lam_app_report r SET claim = '', lines = coalesce((
        SELECT jsonb_agg(one || jsonb_build_object('summary', gone)) FROM jsonb_array_elements(r.lines) one), '[]')
        WHERE r.run_id = ANY (ids);
    UPDATE lam_app_attachment SET name = gone WHERE run_id = ANY (ids);
    UPDATE lam_app_content c SET data = '', text = '', notes = '[]', sha256 = encode(sha256(c.id::text::bytea), 'hex')
        WHERE c.id = ANY (files) AND NOT EXISTS (
            SELECT 1 FROM lam_app_attachment x WHERE x.content_id = c.id AND x.run_id <> ALL (ids)
              AND x.name <> gone);
    UPDATE approvals_action SET summary = gone, reasoning = '',
        held_reason = CASE WHEN held_reason = '' THEN '' ELSE gone END WHERE id = ANY (acts);
    UPDATE approvals_revision SET arguments = '{}', request = '{}', considered = '[]',
        facts = jsonb_set(lam_app_bare(facts::jsonb), '{initiator,name}', to_jsonb(gone), false)::text, ruling = lam_app_bare(ruling::jsonb)::text
        WHERE action_id = ANY (acts);
    UPDATE approvals_decision SET reason = gone WHERE action_id = ANY (acts) AND reason <> '';
    UPDATE approvals_remark SET text = gone WHERE action_id = ANY (acts);
    UPDATE approvals_preview SET content = '' WHERE action_id = ANY (acts) AND content <> '';
    UPDATE tools_execution SET result = '', error_text = CASE WHEN error_text = '' THEN '' ELSE gone END, evidence = ''
        WHERE action = ANY (acts);
    UPDATE approvals_notice SET title = gone WHERE subject = ANY (acts || ids);
    PERFORM lam_app_forget_calls(of, calls);
END $$;

CREATE FUNCTION lam_app_forgetting(of uuid) RETURNS uuid LANGUAGE sql SET search_path = public, pg_temp AS $$
    INSERT INTO traces_forgetting (id, organization, why, transaction) VALUES (gen_random_uuid(), of, 'erasure', 0)
    RETURNING id
$$;

CREATE FUNCTION lam_app_erase(asked uuid, most integer)
RETURNS TABLE (door uuid, runs integer, events uuid[], waits integer, done boolean) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    e lam_app_erasure;
    ids uuid[];
    elsewhere boolean;
BEGIN
    SELECT * INTO e FROM lam_app_erasure x
        WHERE x.id = asked AND x.confirmed_at IS NOT NULL AND x.withdrawn_at IS NULL AND x.done_at IS NULL FOR UPDATE;
    IF e.id IS NULL OR lam_app_held(e.organization_id, NULL, ARRAY[e.person_id]) THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('forget:' || e.organization_id::text, 0));
    elsewhere := EXISTS (SELECT 1 FROM accounts_membership m
        WHERE m.user_id = e.person_id AND m.organization_id <> e.organization_id);
    IF NOT elsewhere THEN
        UPDATE accounts_user SET is_active = false WHERE id = e.person_id AND is_active;
    END IF;
    SELECT array_agg(o.run) INTO ids FROM (
        SELECT f.run FROM lam_app_runs_of(e.organization_id, e.person_id) f WHERE NOT f.flies AND NOT f.held
        ORDER BY f.run LIMIT 20) o;
    runs := coalesce(cardinality(ids), 0);
    IF runs > 0 THEN
        door := lam_app_forgetting(e.organization_id);
        PERFORM lam_app_empty_runs(e.organization_id, ids);
    END IF;
    SELECT count(*) INTO waits FROM lam_app_runs_of(e.organization_id, e.person_id) f;
    -- The details of everything that happened in runs that are empty now, and of what the person did elsewhere.
    SELECT array_agg(d.event) INTO events FROM (
        SELECT d.event FROM traces_eventdetail d JOIN traces_event v ON v.id = d.event
        WHERE v.organization = e.organization_id AND d.detail <> '{}' AND v.verb NOT LIKE 'erasure_%'
          AND (v.run IN (SELECT r.id FROM lam_app_run r WHERE r.organization_id = e.organization_id
                         AND r.initiator_id = e.person_id AND r.goal = '[erased]'
                         UNION SELECT a.run FROM approvals_action a WHERE a.organization_id = e.organization_id
                         AND a.initiator_id = e.person_id AND a.summary = '[erased]')
               OR ((v.actor = e.person_id OR v.subject = e.person_id) AND v.run IS NULL))
        ORDER BY d.event LIMIT most) d;
    IF waits > 0 AND door IS NULL AND events IS NULL THEN
        RETURN;  -- nothing to do before the next of the runs is over or no longer held
    END IF;
    door := coalesce(door, lam_app_forgetting(e.organization_id));
    DELETE FROM traces_eventdetail d WHERE d.event = ANY (events);
    done := waits = 0 AND coalesce(cardinality(events), 0) < most;
    IF done THEN
        PERFORM lam_app_forget_person(e.organization_id, e.person_id, elsewhere);
    END IF;
    UPDATE lam_app_erasure SET runs = e.runs + lam_app_erase.runs, waits = lam_app_erase.waits,
        details = e.details + coalesce(cardinality(events), 0),
        done_at = CASE WHEN done THEN clock_timestamp() END WHERE id = e.id;
    RETURN NEXT;
END $$;

CREATE FUNCTION lam_app_forget_person(of uuid, whose uuid, elsewhere boolean) RETURNS void LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    gone constant text := '[erased]';
BEGIN
    UPDATE lam_app_schedule SET goal = gone, ended_at = coalesce(ended_at, clock_timestamp())
        WHERE organization_id = of AND person_id = whose;
    UPDATE lam_app_hook SET goal = gone, name = gone, ended_at = coalesce(ended_at, clock_timestamp())
        WHERE organization_id = of AND person_id = whose;
    UPDATE approvals_savedview SET name = left(id::text, 40), query = '',
        forgotten_at = coalesce(forgotten_at, clock_timestamp()) WHERE organization_id = of AND owner_id = whose;
    DELETE FROM approvals_webhookkey k USING approvals_noticeaddress a
        WHERE a.id = k.address_id AND a.organization_id = of AND a.person_id = whose;
    UPDATE approvals_noticeaddress SET shown = gone, ended_at = coalesce(ended_at, clock_timestamp())
        WHERE organization_id = of AND person_id = whose;
    UPDATE accounts_signin SET device = gone, ended_at = coalesce(ended_at, clock_timestamp()),
        ended_by_id = coalesce(ended_by_id, user_id) WHERE organization_id = of AND user_id = whose;
    UPDATE accounts_membership SET roles = '{}' WHERE organization_id = of AND user_id = whose;
    DELETE FROM accounts_user_groups g USING accounts_team t
        WHERE g.user_id = whose AND t.group_id = g.group_id AND t.organization_id = of;
    IF NOT elsewhere THEN
        DELETE FROM account_emailconfirmation c USING account_emailaddress a
            WHERE a.id = c.email_address_id AND a.user_id = whose;
        DELETE FROM account_emailaddress a WHERE a.user_id = whose;
        UPDATE accounts_user SET username = 'erased-' || right(whose::text, 12), first_name = '', last_name = '',
            email = '', password = '!', time_zone = '', last_login = NULL, is_active = false WHERE id = whose;
    END IF;
END $$;
REVOKE ALL ON FUNCTION lam_app_erase(uuid, integer), lam_app_empty_runs(uuid, uuid[]),
    lam_app_forget_person(uuid, uuid, boolean), lam_app_forgetting(uuid), lam_app_runs_of(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lam_app_erase(uuid, integer), lam_app_runs_of(uuid, uuid) TO countersign_worker;
"""

GUARDED = [
    *[(f"{table}_append_only", table, "UPDATE", "BEFORE") for table in (
        "lam_app_step", "lam_app_runplan", "lam_app_report", "lam_app_attachment", "lam_app_content",
        "approvals_revision", "approvals_decision", "approvals_remark")],
    ("approvals_webhookkey_append_only", "approvals_webhookkey", "DELETE", "BEFORE"),
    *[(f"{table}_kept", table, "UPDATE", "BEFORE") for table in (
        "lam_app_run", "lam_app_schedule", "lam_app_hook", "approvals_action", "approvals_preview", "tools_execution",
        "approvals_notice", "approvals_savedview", "approvals_noticeaddress", "accounts_signin")],
    ("accounts_signin_ended", "accounts_signin", "UPDATE", "BEFORE"),
    ("approvals_action_rewritten", "approvals_action", "UPDATE", "AFTER"),
    ("approvals_preview_answered", "approvals_preview", "UPDATE", "BEFORE"),
    ("tools_execution_verdict", "tools_execution", "UPDATE", "BEFORE"),
]  # fmt: skip
"""Triggers that let pass what is erased: a change of what a row says. Deleting stays refused, but for two tables."""


class Migration(migrations.Migration):
    """The function, and the door in the guards of what it empties."""

    dependencies: ClassVar = [
        ("lam_app", "0011_forgetting"),
        ("approvals", "0026_notices"),
        ("tools", "0015_owners"),
        ("account", "0001_initial"),
    ]
    operations: ClassVar = [
        run(BARE),
        run(ERASE),
        *[run(passing(trigger, table, what, when=when)) for trigger, table, what, when in GUARDED],
    ]
