"""Forgetting what is older than an organization keeps it, slice by slice; and who may ask for a person's erasure.

The function that forgets is the owner's, for the worker's account alone. It writes the row that opens the guards
(``traces_forgetting``) and takes away no more than is asked of it at a time. What is held stays.
"""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now

import traces.ids
from traces.guards import all_rows, grant, kept, own_rows, run

CHANGING = ["confirmed_by_id", "confirmed_at", "withdrawn_by_id", "withdrawn_at", "done_at", "runs", "details", "waits"]

JUDGED = """
CREATE FUNCTION lam_app_erasure_judged() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $guard$
DECLARE
    says uuid := CASE WHEN TG_OP = 'INSERT' THEN NEW.asked_by_id
                      WHEN OLD.confirmed_at IS NULL THEN coalesce(NEW.confirmed_by_id, NEW.withdrawn_by_id) END;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.confirmed_at IS NOT NULL OR NEW.withdrawn_at IS NOT NULL OR NEW.done_at IS NOT NULL
            OR NEW.person_id = NEW.asked_by_id OR NOT EXISTS (
            SELECT 1 FROM accounts_membership m
            WHERE m.user_id = NEW.person_id AND m.organization_id = NEW.organization_id) THEN
            RAISE EXCEPTION 'lam_app_erasure: it is asked for somebody else, who is a member here'
                USING ERRCODE = 'CS001';
        END IF;
    ELSE
        IF OLD.withdrawn_at IS NOT NULL OR OLD.done_at IS NOT NULL
            OR (OLD.confirmed_at IS NOT NULL AND (NEW.confirmed_by_id, NEW.confirmed_at, NEW.withdrawn_at)
                IS DISTINCT FROM (OLD.confirmed_by_id, OLD.confirmed_at, NULL::timestamptz))
            OR (NEW.confirmed_at IS NOT NULL AND NEW.withdrawn_at IS NOT NULL)
            OR NEW.confirmed_by_id IN (NEW.asked_by_id, NEW.person_id) THEN
            RAISE EXCEPTION 'lam_app_erasure: a second person says so, once' USING ERRCODE = 'CS001';
        END IF;
        IF (NEW.done_at, NEW.runs, NEW.details, NEW.waits) IS DISTINCT FROM
           (OLD.done_at, OLD.runs, OLD.details, OLD.waits) AND NOT traces_forgets() THEN
            RAISE EXCEPTION 'lam_app_erasure: how far it is says whoever erases' USING ERRCODE = 'CS001';
        END IF;
    END IF;
    IF says IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id AND u.is_active
        WHERE m.user_id = says AND m.organization_id = NEW.organization_id AND m.roles::text[] &&
            CASE WHEN TG_OP = 'INSERT' THEN ARRAY['administrator'] ELSE ARRAY['administrator', 'auditor'] END) THEN
        RAISE EXCEPTION 'lam_app_erasure: % may not say so here', says USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER lam_app_erasure_judged BEFORE INSERT OR UPDATE ON lam_app_erasure
    FOR EACH ROW EXECUTE FUNCTION lam_app_erasure_judged();

CREATE FUNCTION lam_app_erasure_told() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM traces_event e
        WHERE e.subject = NEW.id AND e.organization = NEW.organization_id
          AND e.verb = CASE WHEN NEW.withdrawn_at IS NOT NULL THEN 'erasure_withdrawn'
                            WHEN NEW.done_at IS NOT NULL THEN 'erasure_done'
                            WHEN NEW.confirmed_at IS NOT NULL THEN 'erasure_confirmed' ELSE 'erasure_asked' END
          AND (e.transaction = pg_current_xact_id()::text::bigint OR NEW.confirmed_at IS NOT NULL)
    ) THEN
        RAISE EXCEPTION 'lam_app_erasure: no event tells of it' USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER lam_app_erasure_told AFTER INSERT OR UPDATE ON lam_app_erasure
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lam_app_erasure_told();
"""

# Whether something is held: all of the organization, this run, or somebody for whom the run acts or who did it.
HELD = """
CREATE FUNCTION lam_app_held(of uuid, of_run uuid, people uuid[]) RETURNS boolean LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM traces_hold h
        WHERE h.organization = of AND h.lifted_at IS NULL
          AND (h.kind = 'organization' OR (h.kind = 'run' AND h.target = of_run)
               OR (h.kind = 'person' AND (h.target = ANY (people)
                   OR EXISTS (SELECT 1 FROM lam_app_run r WHERE r.id = of_run AND r.initiator_id = h.target)
                   OR EXISTS (SELECT 1 FROM approvals_action a WHERE a.run = of_run
                              AND h.target = ANY (a.principals))))))
$$;
"""

RETAIN = """
CREATE FUNCTION lam_app_retain(of uuid, later uuid, most integer)
RETURNS TABLE (door uuid, before timestamptz, details integer, calls integer, pieces integer, reached uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    keep integer;
    holds boolean;
    edge uuid;
    ids uuid[];
    gone uuid[];
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('forget:' || of::text, 0));
    SELECT r.days INTO keep FROM traces_retention r WHERE r.organization = of ORDER BY r.id DESC LIMIT 1;
    IF keep IS NULL OR lam_app_held(of, NULL, '{}') THEN
        RETURN;
    END IF;
    before := clock_timestamp() - make_interval(days => keep);
    edge := traces_first_id(before);
    holds := EXISTS (SELECT 1 FROM traces_hold h WHERE h.organization = of AND h.lifted_at IS NULL);
    -- From where the details that are still there begin: what is before has only envelopes.
    later := greatest(later, (SELECT d.event FROM traces_eventdetail d ORDER BY d.event LIMIT 1));
    SELECT array_agg(s.id), array_agg(s.id) FILTER (
        WHERE NOT (holds AND lam_app_held(of, s.run, ARRAY[s.actor, s.subject])))
        INTO ids, gone
        FROM (SELECT e.id, e.run, e.actor, e.subject FROM traces_event e JOIN traces_eventdetail d ON d.event = e.id
              WHERE e.organization = of AND e.id >= later AND e.id < edge AND e.at < before
              ORDER BY e.id LIMIT most) s;
    reached := (SELECT max(one::text) FROM unnest(ids) one)::uuid;
    SELECT array_agg(t.id) INTO ids FROM (
        SELECT t.id FROM traces_trace t
        WHERE t.organization = of AND t.id < edge AND NOT (holds AND lam_app_held(of, t.run, '{}'))
        ORDER BY t.id LIMIT most) t;
    IF gone IS NULL AND ids IS NULL THEN
        details := 0; calls := 0; pieces := 0;
        RETURN NEXT;
        RETURN;
    END IF;
    door := gen_random_uuid();
    INSERT INTO traces_forgetting (id, organization, why, transaction) VALUES (door, of, 'retention', 0);
    DELETE FROM traces_eventdetail d WHERE d.event = ANY (gone) AND d.organization = of;
    GET DIAGNOSTICS details = ROW_COUNT;
    pieces := lam_app_forget_calls(of, ids);
    calls := coalesce(cardinality(ids), 0);
    RETURN NEXT;
END $$;

-- Model calls, and the pieces of their prompts that no call needs any more.
CREATE FUNCTION lam_app_forget_calls(of uuid, ids uuid[]) RETURNS integer LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
DECLARE
    used uuid[];
    pieces integer;
BEGIN
    -- Whoever remembers a call adds its pieces first, or finds them there: never one that goes at this moment.
    LOCK TABLE traces_promptpart IN SHARE ROW EXCLUSIVE MODE;
    SELECT array_agg(DISTINCT part) INTO used FROM traces_trace t, unnest(t.parts) part
        WHERE t.organization = of AND t.id = ANY (ids);
    DELETE FROM traces_trace t WHERE t.organization = of AND t.id = ANY (ids);
    DELETE FROM traces_promptpart p WHERE p.organization = of AND p.id = ANY (used)
        AND NOT EXISTS (SELECT 1 FROM traces_trace t WHERE t.parts @> ARRAY[p.id]);
    GET DIAGNOSTICS pieces = ROW_COUNT;
    RETURN pieces;
END $$;
REVOKE ALL ON FUNCTION lam_app_retain(uuid, uuid, integer), lam_app_forget_calls(uuid, uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lam_app_retain(uuid, uuid, integer) TO countersign_worker;
"""


def _to(model: str, **more: object) -> models.ForeignKey:
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=model, **more)


class Migration(migrations.Migration):
    """One table, and the function that forgets by age."""

    dependencies: ClassVar = [
        ("lam_app", "0010_schedules"),
        ("accounts", "0005_away"),
        ("traces", "0009_forgetting"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("organization", _to("accounts.organization")),
                ("person", _to(settings.AUTH_USER_MODEL)),
                ("asked_by", _to(settings.AUTH_USER_MODEL)),
                ("reason", models.TextField()),
                ("created", models.DateTimeField(db_default=Now())),
                ("confirmed_by", _to(settings.AUTH_USER_MODEL, null=True)),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("withdrawn_by", _to(settings.AUTH_USER_MODEL, null=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("runs", models.IntegerField(db_default=0, default=0)),
                ("details", models.IntegerField(db_default=0, default=0)),
                ("waits", models.IntegerField(db_default=0, default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=~models.Q(reason=""), name="erasure_has_a_reason"),
                    models.CheckConstraint(
                        condition=models.Q(confirmed_at__isnull=True, confirmed_by__isnull=True)
                        | models.Q(confirmed_at__isnull=False, confirmed_by__isnull=False),
                        name="erasure_confirmed_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                        | models.Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                        name="erasure_withdrawn_by_somebody",
                    ),
                    models.UniqueConstraint(
                        fields=["organization", "person"],
                        condition=models.Q(withdrawn_at__isnull=True, done_at__isnull=True),
                        name="one_erasure_at_a_time",
                    ),
                ],
            },
        ),
        run(JUDGED),
        run(kept("lam_app_erasure", CHANGING)),
        run(HELD),
        run(RETAIN),
        run(own_rows("lam_app_erasure"), all_rows("lam_app_erasure")),
        run(
            grant(
                "lam_app_erasure",
                web="SELECT, INSERT, UPDATE (confirmed_by_id, confirmed_at, withdrawn_by_id, withdrawn_at)",
                worker="SELECT",
            )
        ),
    ]
