"""The guards read the product's own tables, whatever else a session calls by their names.

Any account may make temporary tables, and PostgreSQL looks for a name among those first: a temporary `traces_event`
or `tools_right` would stand in for the real one inside every trigger that asks it. So each of our functions says where
its names are looked up, temporary ones last. `traces.guards` writes it for those that it makes from now on.
"""

from typing import ClassVar

from django.db import migrations

from traces.guards import run

OURS = """
DO $body$
DECLARE
    one regprocedure;
BEGIN
    FOR one IN
        SELECT p.oid FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f' AND p.proconfig IS NULL
          AND pg_get_userbyid(p.proowner) = current_user
          AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = public, pg_temp', one);
    END LOOP;
END $body$;
"""


class Migration(migrations.Migration):
    """One setting on every function."""

    dependencies: ClassVar = [
        ("lam_app", "0006_undo"),
        ("approvals", "0012_previews_fit"),
        ("tools", "0013_lifted"),
        ("accounts", "0002_grants"),
        ("traces", "0004_rows"),
    ]
    operations: ClassVar = [run(OURS)]
