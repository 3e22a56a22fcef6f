"""A number a organization that moves with every change of who may do what, and grants that stay inside their organization.

The number comes from a sequence, so that what was read in a transaction that failed is never taken for something else.
It is raised by whichever statement changes a right, in the same transaction: whoever sees the change sees the number.
"""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

from traces.guards import grant, run

RAISE = """
CREATE SEQUENCE tools_rights_epoch;
CREATE FUNCTION tools_rights_raise(organizations uuid[]) RETURNS void LANGUAGE sql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO tools_rightsversion (organization_id, version)
    SELECT o.id, nextval('tools_rights_epoch') FROM (
        SELECT DISTINCT unnest(organizations) AS id ORDER BY 1
    ) o WHERE o.id IS NOT NULL
    ON CONFLICT (organization_id) DO UPDATE SET version = nextval('tools_rights_epoch');
$$;
REVOKE ALL ON FUNCTION tools_rights_raise(uuid[]) FROM PUBLIC;
SELECT tools_rights_raise(array_agg(id)) FROM accounts_organization;
"""

RAISE_BACK = "DROP FUNCTION tools_rights_raise(uuid[]); DROP SEQUENCE tools_rights_epoch;"

# Which organizations a change of these rows is about, over the rows of the transition table ``changed``.
ABOUT = {
    "tools_tooluserobjectpermission": "SELECT t.organization_id FROM changed c"
    " JOIN tools_tool t ON t.id = c.content_object_id",
    "tools_toolgroupobjectpermission": "SELECT t.organization_id FROM changed c"
    " JOIN tools_tool t ON t.id = c.content_object_id",
    "accounts_user_groups": "SELECT team.organization_id FROM changed c"
    " JOIN accounts_team team ON team.group_id = c.group_id",
    "accounts_membership": "SELECT c.organization_id FROM changed c",
    "accounts_team": "SELECT c.organization_id FROM changed c",
}


def raising(table: str, about: str) -> str:
    """Statement triggers that raise the version of every organization whose rows were written."""
    triggers = "".join(
        f"""
CREATE TRIGGER {table}_raises_{name} AFTER {event} ON {table}
    REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {table}_raises();"""
        for name, event, rows in (
            ("insert", "INSERT", "NEW"),
            ("delete", "DELETE", "OLD"),
            ("update_from", "UPDATE", "OLD"),
            ("update_to", "UPDATE", "NEW"),
        )
    )
    return f"""
CREATE FUNCTION {table}_raises() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $raise$
BEGIN
    PERFORM tools_rights_raise(ARRAY({about}));
    RETURN NULL;
END $raise$;{triggers}
CREATE FUNCTION {table}_raises_all() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $raise$
BEGIN
    PERFORM tools_rights_raise(ARRAY(SELECT id FROM accounts_organization));
    RETURN NULL;
END $raise$;
CREATE TRIGGER {table}_raises_truncate AFTER TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_raises_all();
"""


def raising_back(table: str) -> str:
    """What takes the triggers of ``raising`` away again."""
    return f"DROP FUNCTION {table}_raises() CASCADE; DROP FUNCTION {table}_raises_all() CASCADE;"


# A sign-in writes the user's row as well; only being switched off or on is a change of rights.
USER = """
CREATE FUNCTION accounts_user_raises() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $raise$
BEGIN
    PERFORM tools_rights_raise(ARRAY(SELECT organization_id FROM accounts_membership WHERE user_id = NEW.id));
    RETURN NULL;
END $raise$;
CREATE TRIGGER accounts_user_raises AFTER UPDATE OF is_active ON accounts_user
    FOR EACH ROW WHEN (OLD.is_active IS DISTINCT FROM NEW.is_active) EXECUTE FUNCTION accounts_user_raises();
"""
USER_BACK = "DROP FUNCTION accounts_user_raises() CASCADE;"

WITHIN = """
CREATE FUNCTION tools_right_of_team() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM tools_tool t JOIN accounts_team m ON m.organization_id = t.organization_id
        WHERE t.id = NEW.content_object_id AND m.group_id = NEW.group_id
    ) THEN
        RAISE EXCEPTION 'tools_toolgroupobjectpermission: group % is no team of the organization of tool %',
            NEW.group_id, NEW.content_object_id USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER tools_right_of_team BEFORE INSERT OR UPDATE ON tools_toolgroupobjectpermission
    FOR EACH ROW EXECUTE FUNCTION tools_right_of_team();

CREATE FUNCTION tools_right_of_member() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM tools_tool t JOIN accounts_membership m ON m.organization_id = t.organization_id
        WHERE t.id = NEW.content_object_id AND m.user_id = NEW.user_id
    ) THEN
        RAISE EXCEPTION 'tools_tooluserobjectpermission: % does not belong to the organization of tool %',
            NEW.user_id, NEW.content_object_id USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER tools_right_of_member BEFORE INSERT OR UPDATE ON tools_tooluserobjectpermission
    FOR EACH ROW EXECUTE FUNCTION tools_right_of_member();

CREATE FUNCTION stays_its_organizations() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    RAISE EXCEPTION '%: % stays where it is; another organization makes its own', TG_TABLE_NAME, OLD.id
        USING ERRCODE = 'CS001';
END $guard$;
CREATE TRIGGER accounts_team_stays BEFORE UPDATE ON accounts_team FOR EACH ROW
    WHEN (OLD.organization_id IS DISTINCT FROM NEW.organization_id OR OLD.group_id IS DISTINCT FROM NEW.group_id)
    EXECUTE FUNCTION stays_its_organizations();
CREATE TRIGGER tools_tool_stays BEFORE UPDATE ON tools_tool FOR EACH ROW
    WHEN (OLD.organization_id IS DISTINCT FROM NEW.organization_id) EXECUTE FUNCTION stays_its_organizations();
CREATE TRIGGER tools_resource_stays BEFORE UPDATE ON tools_resource FOR EACH ROW
    EXECUTE FUNCTION stays_its_organizations();
"""
WITHIN_BACK = (
    "DROP FUNCTION tools_right_of_team() CASCADE; DROP FUNCTION tools_right_of_member() CASCADE;"
    "DROP FUNCTION stays_its_organizations() CASCADE;"
)


class Migration(migrations.Migration):
    """One table that triggers keep, and the walls between organizations."""

    dependencies: ClassVar = [("tools", "0008_resources")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="RightsVersion",
            fields=[
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="accounts.organization",
                    ),
                ),
                ("version", models.BigIntegerField()),
            ],
        ),
        run(grant("tools_rightsversion", web="SELECT", worker="SELECT")),
        run(RAISE, RAISE_BACK),
        *(run(raising(table, about), raising_back(table)) for table, about in ABOUT.items()),
        run(USER, USER_BACK),
        run(WITHIN, WITHIN_BACK),
    ]
