"""When an event was written and by which transaction is the database's word, whoever inserts it.

Otherwise an event could be written ahead, with a guessed transaction, and a later change of status would count as told.
"""

from typing import ClassVar

from django.db import migrations

from traces.guards import run

HONEST = """
CREATE FUNCTION traces_event_honest() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    NEW.transaction := pg_current_xact_id()::text::bigint;
    NEW.at := clock_timestamp();
    RETURN NEW;
END $guard$;
CREATE TRIGGER traces_event_honest BEFORE INSERT ON traces_event
    FOR EACH ROW EXECUTE FUNCTION traces_event_honest();
"""


class Migration(migrations.Migration):
    """One trigger."""

    dependencies: ClassVar = [("traces", "0002_tables")]
    operations: ClassVar = [
        run(HONEST, "DROP TRIGGER traces_event_honest ON traces_event; DROP FUNCTION traces_event_honest();")
    ]
