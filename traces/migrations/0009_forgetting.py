"""Forgetting: what is kept how long, what a hold keeps longer, and the one door through which rows of the record leave.

A row of ``traces_forgetting`` is the door. Only the owner's functions write one, and what they take away in the same
transaction passes the guards; without an event that tells of it the transaction cannot commit. No setting of a session
opens anything, and neither the web account nor the worker's can write such a row.
"""

from typing import ClassVar

import django.db.models.functions.datetime
from django.db import migrations, models

import traces.ids
from traces.guards import all_rows, append_only, grant, kept, own_rows, passing, run

NOW = django.db.models.functions.datetime.Now

DOOR = """
CREATE FUNCTION traces_forgets() RETURNS boolean LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    IF current_user IN ('countersign_web', 'countersign_worker') THEN
        RETURN false;  -- at once, for every row that a process writes
    END IF;
    RETURN EXISTS (
        SELECT 1 FROM traces_forgetting f WHERE f.transaction = pg_current_xact_id_if_assigned()::text::bigint);
END $$;

CREATE FUNCTION traces_forgetting_told() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM traces_event e
        WHERE e.subject = NEW.id AND e.verb IN ('retention_forgot', 'erasure_forgot')
          AND e.organization = NEW.organization AND e.transaction = pg_current_xact_id()::text::bigint) THEN
        RAISE EXCEPTION 'traces_forgetting: no event tells of it' USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER traces_forgetting_told AFTER INSERT ON traces_forgetting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION traces_forgetting_told();

CREATE FUNCTION traces_forgetting_dated() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    NEW.transaction := pg_current_xact_id()::text::bigint;
    NEW.at := clock_timestamp();
    RETURN NEW;
END $guard$;
CREATE TRIGGER traces_forgetting_dated BEFORE INSERT ON traces_forgetting
    FOR EACH ROW EXECUTE FUNCTION traces_forgetting_dated();
"""
DOOR_BACK = """
DROP TRIGGER traces_forgetting_dated ON traces_forgetting;
DROP FUNCTION traces_forgetting_dated();
DROP TRIGGER traces_forgetting_told ON traces_forgetting;
DROP FUNCTION traces_forgetting_told();
DROP FUNCTION traces_forgets();
"""

DETAILS = """
CREATE FUNCTION traces_eventdetail_kept() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    RAISE EXCEPTION 'traces_eventdetail: a detail leaves by retention or erasure alone; % is refused', TG_OP
        USING ERRCODE = 'CS001';
END $guard$;
CREATE TRIGGER traces_eventdetail_kept BEFORE DELETE ON traces_eventdetail
    FOR EACH ROW WHEN (NOT traces_forgets()) EXECUTE FUNCTION traces_eventdetail_kept();
CREATE TRIGGER traces_eventdetail_kept_truncate BEFORE TRUNCATE ON traces_eventdetail
    FOR EACH STATEMENT EXECUTE FUNCTION traces_eventdetail_kept();
"""
DETAILS_BACK = """
DROP TRIGGER traces_eventdetail_kept_truncate ON traces_eventdetail;
DROP TRIGGER traces_eventdetail_kept ON traces_eventdetail;
DROP FUNCTION traces_eventdetail_kept();
"""

# What somebody set or lifted is told in the same transaction, and by people of that organization who may.
SET = """
CREATE FUNCTION traces_keeping_judged() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $guard$
DECLARE
    whose uuid := to_jsonb(NEW)->>CASE TG_OP WHEN 'UPDATE' THEN 'lifted_by' ELSE 'by' END;
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id AND u.is_active
        WHERE m.user_id = whose AND m.organization_id = NEW.organization
          AND m.roles::text[] && ARRAY['administrator', 'auditor']) THEN
        RAISE EXCEPTION '%: % may not say what is kept here', TG_TABLE_NAME, whose USING ERRCODE = 'CS001';
    END IF;
    IF TG_OP = 'UPDATE' AND to_jsonb(OLD)->>'lifted_at' IS NOT NULL THEN
        RAISE EXCEPTION 'traces_hold: what was lifted stays lifted' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE FUNCTION traces_keeping_told() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM traces_event e
        WHERE e.subject = NEW.id AND e.organization = NEW.organization
          AND e.verb = CASE WHEN TG_TABLE_NAME = 'traces_retention' THEN 'retention_set'
                            WHEN TG_OP = 'INSERT' THEN 'hold_set' ELSE 'hold_lifted' END
          AND e.transaction = pg_current_xact_id()::text::bigint) THEN
        RAISE EXCEPTION '%: no event tells of it', TG_TABLE_NAME USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE TRIGGER traces_retention_judged BEFORE INSERT ON traces_retention
    FOR EACH ROW EXECUTE FUNCTION traces_keeping_judged();
CREATE CONSTRAINT TRIGGER traces_retention_told AFTER INSERT ON traces_retention
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION traces_keeping_told();
CREATE TRIGGER traces_hold_judged BEFORE INSERT OR UPDATE ON traces_hold
    FOR EACH ROW EXECUTE FUNCTION traces_keeping_judged();
CREATE CONSTRAINT TRIGGER traces_hold_told AFTER INSERT OR UPDATE ON traces_hold
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION traces_keeping_told();
"""
SET_BACK = """
DROP TRIGGER traces_hold_told ON traces_hold;
DROP TRIGGER traces_hold_judged ON traces_hold;
DROP TRIGGER traces_retention_told ON traces_retention;
DROP TRIGGER traces_retention_judged ON traces_retention;
DROP FUNCTION traces_keeping_told();
DROP FUNCTION traces_keeping_judged();
"""

# A past month's partition of details or model calls goes once nothing is left in it. Whoever writes or reads the table
# just now is not made to wait for longer than a moment: another pass finds it as well.
DROPPED = """
CREATE FUNCTION traces_drop_partitions() RETURNS integer LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
    part record;
    empty boolean;
    dropped integer := 0;
BEGIN
    FOR part IN
        SELECT p.relname AS parent, c.relname AS child FROM pg_inherits i
        JOIN pg_class p ON p.oid = i.inhparent JOIN pg_class c ON c.oid = i.inhrelid
        WHERE p.oid IN ('traces_eventdetail'::regclass, 'traces_trace'::regclass)
          AND c.relname ~ '_[0-9]{4}_[0-9]{2}$'
          AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month 1 day' <= now() AT TIME ZONE 'UTC'
        ORDER BY c.relname
    LOOP
        EXECUTE format('SELECT NOT EXISTS (SELECT 1 FROM %I)', part.child) INTO empty;
        CONTINUE WHEN NOT empty;
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', part.parent);
        EXECUTE format('SELECT NOT EXISTS (SELECT 1 FROM %I)', part.child) INTO empty;
        IF empty THEN
            EXECUTE format('DROP TABLE %I', part.child);
            dropped := dropped + 1;
        END IF;
    END LOOP;
    RETURN dropped;
EXCEPTION WHEN lock_not_available THEN
    RETURN 0;
END $$;
REVOKE ALL ON FUNCTION traces_drop_partitions() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION traces_drop_partitions() TO countersign_worker;

-- Which months from this one on have no partition yet; what is written then goes to the tables for the rest.
CREATE FUNCTION traces_partitions_missing(months integer) RETURNS SETOF text LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
    SELECT parent || to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead), '_YYYY_MM')
    FROM generate_series(0, months) ahead, unnest(ARRAY['traces_event', 'traces_eventdetail', 'traces_trace']) parent
    WHERE to_regclass(parent || to_char(
        date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead), '_YYYY_MM')) IS NULL
    ORDER BY 1
$$;
"""
DROPPED_BACK = "DROP FUNCTION traces_partitions_missing(integer), traces_drop_partitions();"

TABLES = ["traces_retention", "traces_hold", "traces_forgetting"]


def _id() -> tuple[str, models.Field]:
    return ("id", models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False))


class Migration(migrations.Migration):
    """Three tables, the door in the guards of the record, and what empties and drops old partitions."""

    dependencies: ClassVar = [("traces", "0008_evidence")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Retention",
            fields=[
                _id(),
                ("organization", models.UUIDField()),
                ("days", models.IntegerField(null=True)),
                ("by", models.UUIDField()),
                ("reason", models.TextField()),
                ("created", models.DateTimeField(db_default=NOW())),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(days__isnull=True) | models.Q(days__gte=30, days__lte=36500),
                        name="retention_is_a_month_at_least",
                    ),
                    models.CheckConstraint(condition=~models.Q(reason=""), name="retention_has_a_reason"),
                ],
                "indexes": [models.Index(fields=["organization", "-id"], name="retention_newest")],
            },
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                _id(),
                ("organization", models.UUIDField()),
                ("kind", models.CharField(max_length=12)),
                ("target", models.UUIDField()),
                ("reason", models.TextField()),
                ("by", models.UUIDField()),
                ("created", models.DateTimeField(db_default=NOW())),
                ("lifted_by", models.UUIDField(null=True)),
                ("lifted_at", models.DateTimeField(null=True)),
                ("lifted_reason", models.TextField(blank=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(kind__in=["organization", "run", "person"]), name="hold_kind_known"
                    ),
                    models.CheckConstraint(condition=~models.Q(reason=""), name="hold_has_a_reason"),
                    models.UniqueConstraint(
                        fields=["organization", "kind", "target"],
                        condition=models.Q(lifted_at__isnull=True),
                        name="one_hold_at_a_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Forgetting",
            fields=[
                _id(),
                ("organization", models.UUIDField()),
                ("why", models.CharField(max_length=9)),
                ("transaction", models.BigIntegerField()),
                ("at", models.DateTimeField(db_default=NOW())),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(why__in=["retention", "erasure"]), name="forgetting_why_known"
                    ),
                ],
                "indexes": [models.Index(fields=["transaction"], name="forgetting_transaction")],
            },
        ),
        run(DOOR, DOOR_BACK),
        run(append_only("traces_retention") + append_only("traces_forgetting")),
        run(kept("traces_hold", ["lifted_by", "lifted_at", "lifted_reason"])),
        run(SET, SET_BACK),
        run(DETAILS, DETAILS_BACK),
        run(
            passing("traces_trace_append_only", "traces_trace", "DELETE")
            + passing("traces_promptpart_append_only", "traces_promptpart", "DELETE")
        ),
        run(DROPPED, DROPPED_BACK),
        *[run(own_rows(table, "organization"), all_rows(table)) for table in TABLES],
        run(
            grant("traces_retention", web="SELECT, INSERT", worker="SELECT, INSERT")
            + grant("traces_hold", web="SELECT, INSERT, UPDATE (lifted_by, lifted_at, lifted_reason)", worker="SELECT")
            + grant("traces_forgetting", web="SELECT", worker="SELECT")
        ),
    ]
