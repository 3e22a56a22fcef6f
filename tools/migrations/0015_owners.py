"""Who may do what with a tool, and what an agent may propose, change by a row that says so: see ``0014_dial``.

No account of a process may write a right, a tier or a list of tools. It adds a row here in the name of an
administrator, and the row's trigger, which runs as the owner, makes the change or refuses the row.
"""

from typing import ClassVar

from django.conf import settings
from django.db import migrations, models
from django.db.models import PROTECT
from django.db.models.functions import Now

from traces.guards import all_rows, append_only, grant, own_rows, run
from traces.ids import uuid7

RIGHT = """
CREATE FUNCTION tools_administers(person uuid, organization uuid) RETURNS boolean LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
SELECT EXISTS (
    SELECT 1 FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id AND u.is_active
    WHERE m.user_id = person AND m.organization_id = organization AND 'administrator' = ANY (m.roles::text[]))
$$;

CREATE FUNCTION tools_rightchange_made() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $guard$
DECLARE
    permission integer;
    of_group integer;
BEGIN
    IF NOT tools_administers(NEW.by_id, NEW.organization_id) THEN
        RAISE EXCEPTION 'tools_rightchange: % administers nothing here', NEW.by_id USING ERRCODE = 'CS001';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM tools_tool t WHERE t.id = NEW.tool_id AND t.organization_id = NEW.organization_id) THEN
        RAISE EXCEPTION 'tools_rightchange: there is no such tool here' USING ERRCODE = 'CS001';
    END IF;
    SELECT p.id INTO permission FROM auth_permission p JOIN django_content_type c ON c.id = p.content_type_id
    WHERE c.app_label = 'tools' AND p.codename = NEW."right" || '_tool';
    IF permission IS NULL THEN
        RAISE EXCEPTION 'tools_rightchange: there is no right to %', NEW."right" USING ERRCODE = 'CS001';
    END IF;
    IF NEW.team_id IS NOT NULL THEN
        SELECT t.group_id INTO of_group FROM accounts_team t
        WHERE t.id = NEW.team_id AND t.organization_id = NEW.organization_id;
        IF of_group IS NULL OR EXISTS (
            SELECT 1 FROM accounts_user_groups g WHERE g.group_id = of_group AND g.user_id = NEW.by_id) THEN
            RAISE EXCEPTION 'tools_rightchange: a right of one''s own, or of no team here' USING ERRCODE = 'CS001';
        END IF;
        IF NEW.given THEN
            INSERT INTO tools_toolgroupobjectpermission (group_id, permission_id, content_object_id)
            VALUES (of_group, permission, NEW.tool_id);
        ELSE
            DELETE FROM tools_toolgroupobjectpermission
            WHERE group_id = of_group AND permission_id = permission AND content_object_id = NEW.tool_id;
        END IF;
    ELSIF NEW.given THEN
        INSERT INTO tools_tooluserobjectpermission (user_id, permission_id, content_object_id)
        VALUES (NEW.user_id, permission, NEW.tool_id);
    ELSE
        DELETE FROM tools_tooluserobjectpermission
        WHERE user_id = NEW.user_id AND permission_id = permission AND content_object_id = NEW.tool_id;
    END IF;
    RETURN NULL;
END $guard$;
CREATE TRIGGER tools_rightchange_made AFTER INSERT ON tools_rightchange
    FOR EACH ROW EXECUTE FUNCTION tools_rightchange_made();

CREATE FUNCTION tools_rightchange_told() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM traces_event e
        WHERE e.subject = NEW.tool_id AND e.verb = CASE WHEN NEW.given THEN 'right_granted' ELSE 'right_revoked' END
          AND e.transaction = pg_current_xact_id()::text::bigint
    ) THEN
        RAISE EXCEPTION 'tools_rightchange: no event tells of it' USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER tools_rightchange_told AFTER INSERT ON tools_rightchange
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tools_rightchange_told();
"""

AGENT = """
CREATE FUNCTION tools_agentchange_made() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $guard$
DECLARE
    now_is accounts_agent;
BEGIN
    SELECT * INTO now_is FROM accounts_agent WHERE id = NEW.agent_id AND organization_id = NEW.organization_id
        FOR UPDATE;
    IF now_is.id IS NULL OR NOT tools_administers(NEW.by_id, NEW.organization_id) THEN
        RAISE EXCEPTION 'tools_agentchange: % administers no such agent', NEW.by_id USING ERRCODE = 'CS001';
    END IF;
    IF now_is.owner_id = NEW.by_id AND NEW.what NOT IN ('unlist', 'off') THEN
        RAISE EXCEPTION 'tools_agentchange: an agent of one''s own' USING ERRCODE = 'CS001';
    END IF;
    IF NEW.what IN ('list', 'unlist') AND NOT EXISTS (
        SELECT 1 FROM tools_tool t WHERE t.id = NEW.tool_id AND t.organization_id = NEW.organization_id) THEN
        RAISE EXCEPTION 'tools_agentchange: there is no such tool here' USING ERRCODE = 'CS001';
    END IF;
    IF NEW.what = 'list' THEN
        INSERT INTO tools_agenttool (id, agent_id, tool_id) VALUES (NEW.id, NEW.agent_id, NEW.tool_id);
    ELSIF NEW.what = 'unlist' THEN
        DELETE FROM tools_agenttool WHERE agent_id = NEW.agent_id AND tool_id = NEW.tool_id;
    ELSIF NEW.what = 'tier' AND now_is.tier = NEW.before THEN
        UPDATE accounts_agent SET tier = NEW.after WHERE id = NEW.agent_id;
    ELSIF NEW.what = 'owner' AND now_is.owner_id::text = NEW.before AND NEW.after <> NEW.by_id::text AND EXISTS (
        SELECT 1 FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id AND u.is_active
        WHERE m.user_id::text = NEW.after AND m.organization_id = NEW.organization_id) THEN
        UPDATE accounts_agent SET owner_id = NEW.after::uuid WHERE id = NEW.agent_id;
    ELSIF NEW.what IN ('on', 'off') AND NOT now_is.builtin AND now_is.enabled = (NEW.what = 'off') THEN
        UPDATE accounts_agent SET enabled = (NEW.what = 'on') WHERE id = NEW.agent_id;
    ELSE
        RAISE EXCEPTION 'tools_agentchange: % is not as the change says', now_is.name USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE TRIGGER tools_agentchange_made AFTER INSERT ON tools_agentchange
    FOR EACH ROW EXECUTE FUNCTION tools_agentchange_made();

CREATE FUNCTION tools_agentchange_told() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM traces_event e
        WHERE e.subject = NEW.agent_id AND e.verb = 'agent_set'
          AND e.transaction = pg_current_xact_id()::text::bigint
    ) THEN
        RAISE EXCEPTION 'tools_agentchange: no event tells of it' USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER tools_agentchange_told AFTER INSERT ON tools_agentchange
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tools_agentchange_told();
"""


class Migration(migrations.Migration):
    """Two tables, and what their rows do."""

    dependencies: ClassVar = [("tools", "0014_dial"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations: ClassVar = [
        migrations.CreateModel(
            name="RightChange",
            fields=[
                ("id", models.UUIDField(default=uuid7, editable=False, primary_key=True, serialize=False)),
                ("right", models.CharField(max_length=10)),
                ("given", models.BooleanField()),
                ("reason", models.TextField()),
                ("at", models.DateTimeField(db_default=Now())),
                ("by", models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(on_delete=PROTECT, related_name="+", to="accounts.organization")),
                ("team", models.ForeignKey(null=True, on_delete=PROTECT, related_name="+", to="accounts.team")),
                ("tool", models.ForeignKey(on_delete=PROTECT, related_name="+", to="tools.tool")),
                (
                    "user",
                    models.ForeignKey(null=True, on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AgentChange",
            fields=[
                ("id", models.UUIDField(default=uuid7, editable=False, primary_key=True, serialize=False)),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("tier", "Tier"),
                            ("list", "List"),
                            ("unlist", "Unlist"),
                            ("off", "Off"),
                            ("on", "On"),
                        ],
                        max_length=8,
                    ),
                ),
                ("before", models.CharField(blank=True, max_length=64)),
                ("after", models.CharField(blank=True, max_length=64)),
                ("reason", models.TextField()),
                ("at", models.DateTimeField(db_default=Now())),
                ("agent", models.ForeignKey(on_delete=PROTECT, related_name="+", to="accounts.agent")),
                ("by", models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(on_delete=PROTECT, related_name="+", to="accounts.organization")),
                ("tool", models.ForeignKey(null=True, on_delete=PROTECT, related_name="+", to="tools.tool")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="agent_change_has_a_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("tool__isnull", False), ("what__in", ["list", "unlist"])),
                            models.Q(models.Q(("what__in", ["list", "unlist"]), _negated=True), ("tool__isnull", True)),
                            _connector="OR",
                        ),
                        name="agent_change_names_a_tool",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="rightchange",
            index=models.Index(fields=["tool", "at"], name="right_change_of_tool"),
        ),
        migrations.AddConstraint(
            model_name="rightchange",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="right_change_has_a_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="rightchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("team__isnull", True), ("user__isnull", False)),
                    models.Q(("team__isnull", False), ("user__isnull", True)),
                    _connector="OR",
                ),
                name="right_change_of_a_team_or_a_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="rightchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("user__isnull", True), models.Q(("user", models.F("by")), _negated=True), _connector="OR"
                ),
                name="right_change_not_ones_own",
            ),
        ),
        run(RIGHT),
        run(AGENT),
        run(append_only("tools_rightchange")),
        run(append_only("tools_agentchange")),
        run(own_rows("tools_rightchange"), all_rows("tools_rightchange")),
        run(own_rows("tools_agentchange"), all_rows("tools_agentchange")),
        run(grant("tools_rightchange", web="SELECT, INSERT", worker="SELECT")),
        run(grant("tools_agentchange", web="SELECT, INSERT", worker="SELECT")),
    ]
