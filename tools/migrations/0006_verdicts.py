"""The web role settles what a person found out, and nothing else in the ledger: records are the executors' own."""

from typing import ClassVar

from django.db import migrations

from traces.guards import run

VERDICT = """
CREATE FUNCTION tools_execution_verdict() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF current_user = 'countersign_web' AND OLD.status <> 'uncertain' THEN
        RAISE EXCEPTION 'tools_execution: % is not for a person to settle', OLD.id USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER tools_execution_verdict BEFORE UPDATE ON tools_execution
    FOR EACH ROW EXECUTE FUNCTION tools_execution_verdict();
"""


class Migration(migrations.Migration):
    """One trigger."""

    dependencies: ClassVar = [("tools", "0005_told")]
    operations: ClassVar = [
        run(
            VERDICT, "DROP TRIGGER tools_execution_verdict ON tools_execution; DROP FUNCTION tools_execution_verdict();"
        )
    ]
