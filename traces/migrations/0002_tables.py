"""The record's tables: ranges of their UUIDv7 key, append-only, with the indexes that their reads need."""

from typing import ClassVar

from django.db import migrations

from traces.guards import append_only, grant, run

TABLES = """
CREATE TABLE traces_event (
    id uuid PRIMARY KEY,
    organization uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor_kind varchar(10) NOT NULL CHECK (actor_kind IN ('person', 'agent', 'system')),
    actor uuid CHECK (actor_kind = 'system' OR actor IS NOT NULL),
    actor_name varchar(150) NOT NULL,
    verb varchar(64) NOT NULL,
    subject_kind varchar(32) NOT NULL,
    subject uuid NOT NULL,
    source varchar(20) NOT NULL DEFAULT '',
    target varchar(20) NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    run uuid,
    trace_id varchar(32) NOT NULL DEFAULT '',
    span_id varchar(16) NOT NULL DEFAULT '',
    transaction bigint NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32)
) PARTITION BY RANGE (id);
CREATE INDEX traces_event_subject ON traces_event (subject, id);
CREATE INDEX traces_event_organization ON traces_event (organization, id);

CREATE TABLE traces_eventdetail (
    event uuid PRIMARY KEY,
    organization uuid NOT NULL,
    salt bytea NOT NULL CHECK (octet_length(salt) = 16),
    detail text NOT NULL
) PARTITION BY RANGE (event);

CREATE TABLE traces_trace (
    id uuid PRIMARY KEY,
    organization uuid NOT NULL,
    run uuid NOT NULL,
    step integer NOT NULL,
    attempt smallint NOT NULL DEFAULT 1,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    model varchar(200) NOT NULL,
    model_version varchar(200) NOT NULL DEFAULT '',
    roles varchar(20)[] NOT NULL,
    parts uuid[] NOT NULL,
    answer text NOT NULL,
    reasoning text NOT NULL DEFAULT '',
    candidates jsonb NOT NULL DEFAULT '[]',
    chosen varchar(100) NOT NULL DEFAULT '',
    chosen_logprob double precision,
    alternatives jsonb NOT NULL DEFAULT '[]',
    schema_digest varchar(80) NOT NULL,
    tokens_in integer,
    tokens_out integer,
    cost numeric(12, 6),
    latency_ms integer NOT NULL,
    finish varchar(40) NOT NULL DEFAULT '',
    error varchar(64) NOT NULL DEFAULT '',
    request_id varchar(100) NOT NULL DEFAULT ''
) PARTITION BY RANGE (id);
CREATE INDEX traces_trace_run ON traces_trace (run, step);

CREATE TABLE traces_event_other PARTITION OF traces_event DEFAULT;
CREATE TABLE traces_eventdetail_other PARTITION OF traces_eventdetail DEFAULT;
CREATE TABLE traces_trace_other PARTITION OF traces_trace DEFAULT;
"""

# Months are made ahead by whoever asks (the sweeper does, daily); the function belongs to the owner, so that the
# asking role needs no right to create tables. A row outside every month goes to "_other": late is better than lost.
PARTITIONS = """
CREATE FUNCTION traces_first_id(at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;
CREATE FUNCTION traces_make_partitions(months integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    made integer := 0;
    month timestamp;
    parent text;
    child text;
BEGIN
    FOR ahead IN 0..months LOOP
        month := date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead);
        FOREACH parent IN ARRAY ARRAY['traces_event', 'traces_eventdetail', 'traces_trace'] LOOP
            child := parent || to_char(month, '_YYYY_MM');
            IF to_regclass(child) IS NULL THEN
                EXECUTE format(
                    'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', child, parent,
                    traces_first_id(month AT TIME ZONE 'UTC'),
                    traces_first_id((month + interval '1 month') AT TIME ZONE 'UTC'));
                made := made + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION traces_make_partitions(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION traces_make_partitions(integer) TO countersign_worker;
SELECT traces_make_partitions(3);
"""

DETAIL_UNCHANGED = """
CREATE FUNCTION traces_eventdetail_unchanged() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    RAISE EXCEPTION 'traces_eventdetail: a detail is erased whole or not at all' USING ERRCODE = 'CS001';
END $guard$;
CREATE TRIGGER traces_eventdetail_unchanged BEFORE UPDATE ON traces_eventdetail
    FOR EACH ROW EXECUTE FUNCTION traces_eventdetail_unchanged();
"""


class Migration(migrations.Migration):
    """Event, EventDetail and Trace, which Django's models describe and do not manage."""

    dependencies: ClassVar = [("traces", "0001_initial")]
    operations: ClassVar = [
        run(TABLES, "DROP TABLE traces_event, traces_eventdetail, traces_trace;"),
        run(PARTITIONS, "DROP FUNCTION traces_make_partitions(integer), traces_first_id(timestamptz);"),
        run(append_only("traces_event") + append_only("traces_trace") + append_only("traces_promptpart")),
        run(DETAIL_UNCHANGED),
        run(
            grant("traces_event", web="SELECT, INSERT", worker="SELECT, INSERT")
            + grant("traces_eventdetail", web="SELECT, INSERT", worker="SELECT, INSERT")
            + grant("traces_trace", web="SELECT", worker="SELECT, INSERT")
            + grant("traces_promptpart", web="SELECT", worker="SELECT, INSERT")
        ),
    ]
