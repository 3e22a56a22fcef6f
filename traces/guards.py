"""The database's own refusals, as SQL: edges, append-only rows, frozen columns, foreign rows. Used by migrations only.

They are raw triggers without a bypass setting: the web and worker roles own no table, so they cannot switch a trigger
off, and no session variable can either. The statements are functions of plain data, so that a migration
stays what it was when it was written: it passes its own frozen copy of the edges.
"""

from collections.abc import Iterable, Sequence

from django.db import migrations

REFUSED = "CS001"  # SQLSTATE of every refusal, so that a verb can tell one from another error of the database


def run(forward: str, backward: str = "") -> migrations.RunSQL:
    """A migration step; without ``backward`` it cannot be taken back, which is said instead of guessed."""
    return migrations.RunSQL(forward, backward or migrations.RunSQL.noop)


def status_edges(table: str, initial: str, edges: Iterable[tuple[str, str]], *, column: str = "status") -> str:
    """A trigger that refuses rows born in another status than ``initial`` and any edge that is not listed."""
    listed = ", ".join(f"'{source}>{target}'" for source, target in sorted(edges))
    return f"""
CREATE OR REPLACE FUNCTION {table}_edges() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.{column} <> '{initial}' THEN
            RAISE EXCEPTION '{table}: a row begins as {initial}, not as %', NEW.{column} USING ERRCODE = '{REFUSED}';
        END IF;
    ELSIF NEW.{column} IS DISTINCT FROM OLD.{column}
        AND (OLD.{column} || '>' || NEW.{column}) <> ALL (ARRAY[{listed}]) THEN
        RAISE EXCEPTION '{table}: no edge from % to %', OLD.{column}, NEW.{column} USING ERRCODE = '{REFUSED}';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER {table}_edges BEFORE INSERT OR UPDATE OF {column} ON {table}
    FOR EACH ROW EXECUTE FUNCTION {table}_edges();
"""


def told(table: str, *, column: str = "status", births: bool = True) -> str:
    """A deferred trigger: a status change whose transaction leaves no event of it behind cannot commit (promise 8).

    Without ``births`` a row's first status needs no event of its own, because another row's tells of it.
    """
    born = f"""
CREATE CONSTRAINT TRIGGER {table}_told_insert AFTER INSERT ON {table}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {table}_told();
"""
    return f"""
CREATE OR REPLACE FUNCTION {table}_told() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM traces_event e
        WHERE e.subject = NEW.id AND e.target = NEW.{column}
          AND e.transaction = pg_current_xact_id()::text::bigint
    ) THEN
        RAISE EXCEPTION '{table}: % became % and no event tells of it', NEW.id, NEW.{column}
            USING ERRCODE = '{REFUSED}';
    END IF;
    RETURN NULL;
END $guard$;
{born if births else ""}CREATE CONSTRAINT TRIGGER {table}_told AFTER UPDATE OF {column} ON {table}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.{column} IS DISTINCT FROM NEW.{column})
    EXECUTE FUNCTION {table}_told();
"""


def append_only(table: str) -> str:
    """Triggers that refuse every UPDATE, DELETE and TRUNCATE."""
    return f"""
CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    RAISE EXCEPTION '{table}: rows are written once; % is refused', TG_OP USING ERRCODE = '{REFUSED}';
END $guard$;
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {table}_append_only();
CREATE TRIGGER {table}_append_only_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only();
"""


def kept(table: str, changing: Sequence[str]) -> str:
    """Triggers that refuse DELETE and TRUNCATE, and any UPDATE that touches another column than ``changing``."""
    free = ", ".join(f"'{name}'" for name in changing)
    return f"""
CREATE OR REPLACE FUNCTION {table}_kept() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF TG_OP <> 'UPDATE' THEN
        RAISE EXCEPTION '{table}: rows are kept; % is refused', TG_OP USING ERRCODE = '{REFUSED}';
    END IF;
    IF to_jsonb(OLD) - ARRAY[{free}] IS DISTINCT FROM to_jsonb(NEW) - ARRAY[{free}] THEN
        RAISE EXCEPTION '{table}: only {", ".join(changing)} may change' USING ERRCODE = '{REFUSED}';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_kept();
CREATE TRIGGER {table}_kept_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_kept();
"""


def passing(trigger: str, table: str, what: str = "UPDATE OR DELETE", *, when: str = "BEFORE") -> str:
    """Let what ``traces_forgets`` does pass a trigger of rows that refuses it to everybody else; ``what`` it may do."""
    others = "" if what == "UPDATE OR DELETE" or when == "AFTER" else _others(trigger, table, what)
    return f"""
DROP TRIGGER {trigger} ON {table};
CREATE TRIGGER {trigger} {when} {what} ON {table}
    FOR EACH ROW WHEN (NOT traces_forgets()) EXECUTE FUNCTION {trigger}();
{others}"""


def _others(trigger: str, table: str, what: str) -> str:
    """The same trigger for the other of UPDATE and DELETE, which stays refused whoever does it."""
    other = "DELETE" if what == "UPDATE" else "UPDATE"
    return f"""CREATE TRIGGER {trigger}_ever BEFORE {other} ON {table}
    FOR EACH ROW EXECUTE FUNCTION {trigger}();
"""


def grant(table: str, *, web: str = "", worker: str = "") -> str:
    """What the two roles may do with a table; nothing is granted by default."""
    lines = []
    if web:
        lines.append(f"GRANT {web} ON {table} TO countersign_web;")
    if worker:
        lines.append(f"GRANT {worker} ON {table} TO countersign_worker;")
    return "\n".join(lines)


def own_rows(table: str, column: str = "organization_id", *, shared: bool = False) -> str:
    """Row security: the web role reads and writes the rows of ``lam.organization`` alone, none where it is not set.

    ``shared`` lets it read rows without an organization too, which stand over all; it writes none of them. Workers see
    every row, and so does the owner, who is bound by no policy of its own tables.
    """
    inside = "(SELECT nullif(current_setting('lam.organization', true), '')::uuid)"
    own = f"{column} = {inside}"
    read = f"{own} OR ({column} IS NULL AND {inside} IS NOT NULL)" if shared else own
    return f"""
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY {table}_own ON {table} TO countersign_web USING ({read}) WITH CHECK ({own});
CREATE POLICY {table}_all ON {table} TO countersign_worker USING (true) WITH CHECK (true);
"""


def all_rows(table: str) -> str:
    """The way back from ``own_rows``."""
    return f"""
DROP POLICY {table}_own ON {table};
DROP POLICY {table}_all ON {table};
ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;
"""
