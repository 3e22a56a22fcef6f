"""The remembered model calls can be searched: by words, agent, tool, model and time; and a run's events are found.

Words are kept beside each call and each piece of a prompt as they are written, without their places, so that a search
never reads the texts again. What is searched stands behind row security, whose policies an index of words cannot serve
(its operator might tell what it sees), so one function of the owner's searches for the web account, within the
organization that its session is in.
"""

from typing import ClassVar

from django.db import migrations

from traces.guards import run

# A longer text would not fit into a tsvector, and the row that it belongs to must be written all the same.
WORDS = """
ALTER TABLE traces_trace ADD COLUMN agent uuid, ADD COLUMN words tsvector NOT NULL DEFAULT '';
ALTER TABLE traces_promptpart ADD COLUMN words tsvector NOT NULL DEFAULT '';

CREATE FUNCTION traces_words_of(said text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT strip(to_tsvector('pg_catalog.simple'::regconfig, left(said, 100000)))
$$;
CREATE FUNCTION traces_trace_words() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    NEW.words := traces_words_of(
        concat_ws(' ', NEW.chosen, NEW.model, NEW.error, NEW.request_id, NEW.reasoning, NEW.answer));
    RETURN NEW;
END $$;
CREATE TRIGGER traces_trace_words BEFORE INSERT ON traces_trace FOR EACH ROW EXECUTE FUNCTION traces_trace_words();
CREATE FUNCTION traces_promptpart_words() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    NEW.words := traces_words_of(NEW.content);
    RETURN NEW;
END $$;
CREATE TRIGGER traces_promptpart_words BEFORE INSERT ON traces_promptpart
    FOR EACH ROW EXECUTE FUNCTION traces_promptpart_words();

ALTER TABLE traces_trace DISABLE TRIGGER traces_trace_append_only;
UPDATE traces_trace SET words = traces_words_of(concat_ws(' ', chosen, model, error, request_id, reasoning, answer));
ALTER TABLE traces_trace ENABLE TRIGGER traces_trace_append_only;
ALTER TABLE traces_promptpart DISABLE TRIGGER traces_promptpart_append_only;
UPDATE traces_promptpart SET words = traces_words_of(content);
ALTER TABLE traces_promptpart ENABLE TRIGGER traces_promptpart_append_only;
"""

INDEXES = """
CREATE INDEX traces_trace_organization ON traces_trace (organization, id);
CREATE INDEX traces_trace_chosen ON traces_trace (organization, chosen, id);
CREATE INDEX traces_trace_model ON traces_trace (organization, model, id);
CREATE INDEX traces_trace_agent ON traces_trace (organization, agent, id);
CREATE INDEX traces_trace_failed ON traces_trace (organization, id) WHERE error <> '';
CREATE INDEX traces_trace_words ON traces_trace USING gin (words);
CREATE INDEX traces_trace_parts ON traces_trace USING gin (parts);
CREATE INDEX traces_promptpart_words ON traces_promptpart USING gin (words);
CREATE INDEX traces_event_run ON traces_event (run, id) WHERE run IS NOT NULL;
"""

# Words that many calls say are found among the newest ones; only where these are too few the index is asked, which
# then has little to tell. The statement is planned with its values, and every value of a caller is a parameter.
SAYING = """
CREATE FUNCTION traces_saying(
    within uuid, said text, of_run uuid, of_agent uuid, of_tool text, of_model text, failed boolean, above uuid,
    below uuid, most integer
) RETURNS SETOF uuid LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    asked tsquery := plainto_tsquery('pg_catalog.simple'::regconfig, said);
    narrow text := 't.organization = $1 AND t.id >= $7 AND t.id < $8';
    near integer;
    looked integer;
    hits uuid[];
    pieces uuid[];
    most_pieces constant integer := 5000;
BEGIN
    IF numnode(asked) = 0 OR (session_user = 'countersign_web'
        AND within IS DISTINCT FROM nullif(current_setting('lam.organization', true), '')::uuid) THEN
        RETURN;
    END IF;
    narrow := concat_ws(' AND ', narrow,
        CASE WHEN of_run IS NOT NULL THEN 't.run = $3' END,
        CASE WHEN of_agent IS NOT NULL THEN 't.agent = $4' END,
        CASE WHEN of_tool <> '' THEN 't.chosen = $5' END,
        CASE WHEN of_model <> '' THEN 't.model = $6' END,
        CASE WHEN failed THEN 't.error <> ''''' END);
    FOREACH near IN ARRAY ARRAY[200, 2000] LOOP
        EXECUTE format($q$
            SELECT count(*), array_agg(id ORDER BY id DESC) FILTER (WHERE says)
            FROM (SELECT t.id, t.words @@ $2 OR EXISTS (
                      SELECT 1 FROM traces_promptpart p WHERE p.id = ANY (t.parts) AND p.words @@ $2) AS says
                  FROM (SELECT * FROM traces_trace t WHERE %s ORDER BY t.id DESC LIMIT %s) t) newest
            $q$, narrow, near)
            INTO looked, hits USING within, asked, of_run, of_agent, of_tool, of_model, above, below;
        IF looked < near OR cardinality(hits) >= most THEN
            RETURN QUERY SELECT one FROM unnest(hits[:most]) WITH ORDINALITY AS u(one, n) ORDER BY n;
            RETURN;
        END IF;
    END LOOP;
    SELECT array_agg(id) INTO pieces FROM (
        SELECT p.id FROM traces_promptpart p WHERE p.organization = within AND p.words @@ asked AND p.id < below
        ORDER BY p.id DESC LIMIT most_pieces) newest;
    RETURN QUERY EXECUTE format($q$
        SELECT id FROM (
            SELECT t.id FROM traces_trace t WHERE %1$s AND t.words @@ $2
            UNION
            SELECT t.id FROM traces_trace t WHERE %1$s AND t.parts && $9
        ) found ORDER BY id DESC LIMIT $10
        $q$, narrow)
        USING within, asked, of_run, of_agent, of_tool, of_model, above, below, coalesce(pieces, '{}'), most;
    IF cardinality(pieces) >= most_pieces THEN
        RETURN QUERY SELECT NULL::uuid;  -- says that not every piece of a prompt was looked at
    END IF;
END $body$;
REVOKE ALL ON FUNCTION traces_saying(uuid, text, uuid, uuid, text, text, boolean, uuid, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION traces_saying(uuid, text, uuid, uuid, text, text, boolean, uuid, uuid, integer)
    TO countersign_web, countersign_worker;
"""


class Migration(migrations.Migration):
    """Words, indexes, and the function that searches."""

    dependencies: ClassVar = [("traces", "0005_blocks")]
    operations: ClassVar = [run(WORDS), run(INDEXES), run(SAYING)]
