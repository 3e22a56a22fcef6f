"""A run is born within reach of every stop that could be engaged over it, by whatever path its row is written."""

from typing import ClassVar

from django.db import migrations

from traces.guards import run

BORN = """
CREATE FUNCTION lam_app_run_born() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF NOT NEW.scopes::text[] @> ARRAY['everything', 'organization:' || NEW.organization_id, 'agent:' || NEW.agent_id,
                                       'initiator:' || NEW.initiator_id, 'run:' || NEW.id] THEN
        RAISE EXCEPTION 'lam_app_run: a stop could not reach it' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER lam_app_run_born BEFORE INSERT ON lam_app_run FOR EACH ROW EXECUTE FUNCTION lam_app_run_born();
"""


class Migration(migrations.Migration):
    """One trigger."""

    dependencies: ClassVar = [("lam_app", "0003_guards")]
    operations: ClassVar = [
        run(BORN, "DROP TRIGGER lam_app_run_born ON lam_app_run; DROP FUNCTION lam_app_run_born();")
    ]
