"""What the web and worker roles may do with people, and with the tables of Django and allauth."""

from typing import ClassVar

from django.db import migrations

from traces.guards import grant, run

READ = [
    "accounts_organization", "accounts_membership", "accounts_team", "accounts_agent",
    "accounts_user_groups", "accounts_user_user_permissions",
    "auth_group", "auth_group_permissions", "auth_permission", "django_content_type", "django_migrations",
]  # fmt: skip


class Migration(migrations.Migration):
    """Rights, not tables."""

    dependencies: ClassVar = [
        ("accounts", "0001_initial"),
        ("account", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("sessions", "0001_initial"),
        ("traces", "0002_tables"),
    ]
    operations: ClassVar = [
        run("GRANT USAGE ON SCHEMA public TO countersign_web, countersign_worker;"),
        run("\n".join(grant(table, web="SELECT", worker="SELECT") for table in READ)),
        # A person's own password and last sign-in are all that the web role may change of a user.
        run(
            "GRANT SELECT ON accounts_user TO countersign_web;"
            "GRANT UPDATE (last_login, password) ON accounts_user TO countersign_web;"
            # Workers need to know who is active, never a password hash.
            "GRANT SELECT (id, username, first_name, last_name, email, is_active, is_staff, is_superuser, date_joined,"
            " time_zone, last_login) ON accounts_user TO countersign_worker;"
        ),
        run(grant("accounts_apitoken", web="SELECT, INSERT")),
        run("GRANT UPDATE (revoked_at) ON accounts_apitoken TO countersign_web;"),
        run(grant("django_session", web="SELECT, INSERT, UPDATE, DELETE")),
        run(
            grant("account_emailaddress", web="SELECT, INSERT, UPDATE, DELETE")
            + grant("account_emailconfirmation", web="SELECT, INSERT, UPDATE, DELETE")
            + "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO countersign_web;"
        ),
    ]
