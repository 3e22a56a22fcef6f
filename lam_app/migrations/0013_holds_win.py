"""What is held stays whatever else was begun: an erasure looks again at every slice, and asks everybody's holds.

A person's hold keeps what they did in the runs of others too: those are emptied once it is lifted. A hold that is set
while a slice is under way waits for its end, so whatever is there when the hold stands is there afterwards. And a run
is known as empty by what it holds no longer, not by words that anybody may write into a goal.
"""

from typing import ClassVar

from django.db import migrations

from traces.guards import run

WAITS = """
CREATE FUNCTION traces_hold_waits() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('forget:' || NEW.organization::text, 0));
    RETURN NEW;
END $guard$;
CREATE TRIGGER traces_hold_waits BEFORE INSERT ON traces_hold FOR EACH ROW EXECUTE FUNCTION traces_hold_waits();
"""
WAITS_BACK = "DROP TRIGGER traces_hold_waits ON traces_hold; DROP FUNCTION traces_hold_waits();"

ERASE = """
-- Whether a run is held, for an erasure: by itself, or for anybody for whom it acts or who did something in it.
CREATE FUNCTION lam_app_run_held(of uuid, of_run uuid) RETURNS boolean LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
    SELECT lam_app_held(of, of_run, '{}') OR EXISTS (
        SELECT 1 FROM traces_hold h JOIN traces_event v ON v.run = of_run AND v.actor = h.target
        WHERE h.organization = of AND h.lifted_at IS NULL AND h.kind = 'person')
$$;

CREATE FUNCTION lam_app_holds_yet(of uuid, of_run uuid) RETURNS boolean LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT 1 FROM traces_trace t WHERE t.organization = of AND t.run = of_run)
        OR EXISTS (SELECT 1 FROM lam_app_run r WHERE r.id = of_run AND (r.goal <> '[erased]' OR r.context <> '{}'))
        OR EXISTS (SELECT 1 FROM lam_app_step s WHERE s.run_id = of_run AND s.intent <> '{}')
        OR EXISTS (SELECT 1 FROM lam_app_attachment c WHERE c.run_id = of_run AND c.name <> '[erased]')
        OR EXISTS (SELECT 1 FROM approvals_action a WHERE a.run = of_run AND (a.summary <> '[erased]' OR EXISTS (
               SELECT 1 FROM approvals_revision v WHERE v.action_id = a.id AND v.arguments <> '{}')))
$$;

CREATE OR REPLACE FUNCTION lam_app_runs_of(of uuid, whose uuid) RETURNS TABLE (run uuid, flies boolean, held boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT r.id, r.status NOT IN ('succeeded', 'failed', 'cancelled', 'undone') OR EXISTS (
               SELECT 1 FROM approvals_action a WHERE a.run = r.id AND a.status IN (
                   'proposed', 'in_review', 'scheduled', 'permitted', 'executing', 'uncertain')),
           lam_app_run_held(of, r.id)
    FROM lam_app_run r WHERE r.organization_id = of AND r.initiator_id = whose AND lam_app_holds_yet(of, r.id)
    UNION ALL
    SELECT a.run, bool_or(a.status IN ('proposed', 'in_review', 'scheduled', 'permitted', 'executing', 'uncertain')),
           lam_app_run_held(of, a.run)
    FROM approvals_action a WHERE a.organization_id = of AND a.initiator_id = whose AND lam_app_holds_yet(of, a.run)
      AND NOT EXISTS (SELECT 1 FROM lam_app_run r WHERE r.id = a.run)
    GROUP BY a.run
$$;

-- The details of everything that happened in runs that are empty now, and of what the person did elsewhere.
CREATE FUNCTION lam_app_details_of(of uuid, whose uuid) RETURNS TABLE (event uuid, run uuid, held boolean)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    WITH full_yet AS MATERIALIZED (SELECT f.run FROM lam_app_runs_of(of, whose) f),
    own AS MATERIALIZED (
        SELECT r.id AS run FROM lam_app_run r WHERE r.organization_id = of AND r.initiator_id = whose
        UNION SELECT a.run FROM approvals_action a WHERE a.organization_id = of AND a.initiator_id = whose
            AND NOT EXISTS (SELECT 1 FROM lam_app_run r WHERE r.id = a.run)
        EXCEPT SELECT f.run FROM full_yet f
    ), holds AS MATERIALIZED (
        SELECT EXISTS (SELECT 1 FROM traces_hold h WHERE h.organization = of AND h.lifted_at IS NULL) AS any
    ), kept AS MATERIALIZED (
        SELECT o.run FROM own o, holds WHERE holds.any AND lam_app_run_held(of, o.run)
    )
    SELECT d.event, coalesce(v.run, d.event),
           CASE WHEN v.run IS NULL THEN holds.any AND lam_app_held(of, NULL, ARRAY[v.actor, v.subject])
                ELSE v.run IN (SELECT k.run FROM kept k) END
    FROM traces_eventdetail d JOIN traces_event v ON v.id = d.event, holds
    WHERE v.organization = of AND d.detail <> '{}' AND v.verb NOT LIKE 'erasure_%'
      AND (v.run IN (SELECT o.run FROM own o) OR ((v.actor = whose OR v.subject = whose) AND v.run IS NULL))
$$;

CREATE OR REPLACE FUNCTION lam_app_erase(asked uuid, most integer)
RETURNS TABLE (door uuid, runs integer, events uuid[], waits integer, done boolean) LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    e lam_app_erasure;
    ids uuid[];
    elsewhere boolean;
    kept integer;
BEGIN
    SELECT * INTO e FROM lam_app_erasure x
        WHERE x.id = asked AND x.confirmed_at IS NOT NULL AND x.withdrawn_at IS NULL AND x.done_at IS NULL FOR UPDATE;
    IF e.id IS NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('forget:' || e.organization_id::text, 0));
    IF lam_app_held(e.organization_id, NULL, ARRAY[e.person_id]) THEN
        RETURN;
    END IF;
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
    SELECT array_agg(d.event) INTO events FROM (
        SELECT f.event FROM lam_app_details_of(e.organization_id, e.person_id) f WHERE NOT f.held
        ORDER BY f.event LIMIT most) d;
    SELECT count(DISTINCT f.run) INTO kept FROM lam_app_details_of(e.organization_id, e.person_id) f WHERE f.held;
    waits := waits + kept;
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
REVOKE ALL ON FUNCTION lam_app_run_held(uuid, uuid), lam_app_holds_yet(uuid, uuid), lam_app_details_of(uuid, uuid)
    FROM PUBLIC;
"""


class Migration(migrations.Migration):
    """The functions that erase, and what a hold waits for."""

    dependencies: ClassVar = [("lam_app", "0012_erasing"), ("traces", "0009_forgetting")]
    operations: ClassVar = [run(WAITS, WAITS_BACK), run(ERASE)]
