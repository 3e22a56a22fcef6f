"""What people may be changes by a row that says so, as rights and agents do.

No account of a process may write a membership, a team or who is in it. It adds a row here in the name of an
administrator, and the row's trigger, which runs as the owner, makes the change or refuses the row: nobody changes what
they themselves are, nobody from elsewhere joins, and nothing happens that no event tells of.
"""

from typing import ClassVar

from django.conf import settings
from django.db import migrations, models
from django.db.models import PROTECT
from django.db.models.functions import Now

from traces.guards import all_rows, append_only, grant, own_rows, run
from traces.ids import uuid7

MADE = """
CREATE FUNCTION accounts_standingchange_made() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $guard$
DECLARE
    whose accounts_membership;
    in_team accounts_team;
    made_group integer;
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id AND u.is_active
        WHERE m.user_id = NEW.by_id AND m.organization_id = NEW.organization_id
          AND 'administrator' = ANY (m.roles::text[])) THEN
        RAISE EXCEPTION 'accounts_standingchange: % administers nothing here', NEW.by_id USING ERRCODE = 'CS001';
    END IF;
    IF NEW.what <> 'team' THEN
        SELECT * INTO whose FROM accounts_membership
        WHERE id = NEW.member_id AND organization_id = NEW.organization_id FOR UPDATE;
        IF whose.id IS NULL OR whose.user_id = NEW.by_id THEN
            RAISE EXCEPTION 'accounts_standingchange: one''s own standing, or nobody''s here' USING ERRCODE = 'CS001';
        END IF;
    END IF;
    IF NEW.what IN ('join', 'leave') THEN
        SELECT * INTO in_team FROM accounts_team
        WHERE id = NEW.team_id AND organization_id = NEW.organization_id FOR UPDATE;
        IF in_team.id IS NULL THEN
            RAISE EXCEPTION 'accounts_standingchange: there is no such team here' USING ERRCODE = 'CS001';
        END IF;
    END IF;
    IF NEW.what = 'tier' AND whose.tier = NEW.before THEN
        UPDATE accounts_membership SET tier = NEW.after WHERE id = whose.id;
    ELSIF NEW.what = 'roles' AND string_to_array(NEW.before, ',') = (
        SELECT coalesce(array_agg(r::text ORDER BY r::text COLLATE "C"), '{}') FROM unnest(whose.roles) r) THEN
        UPDATE accounts_membership SET roles = string_to_array(NEW.after, ',') WHERE id = whose.id;
        DELETE FROM accounts_user_groups ug USING accounts_team t, (
            SELECT unnest(string_to_array(NEW.before, ',')) EXCEPT SELECT unnest(string_to_array(NEW.after, ','))
        ) gone (role)
        WHERE ug.user_id = whose.user_id AND ug.group_id = t.group_id AND t.organization_id = NEW.organization_id
          AND gone.role <> 'developer' AND t.name = gone.role || 's';
        INSERT INTO accounts_user_groups (user_id, group_id)
        SELECT whose.user_id, t.group_id FROM accounts_team t JOIN (
            SELECT unnest(string_to_array(NEW.after, ',')) EXCEPT SELECT unnest(string_to_array(NEW.before, ','))
        ) added (role) ON added.role <> 'developer' AND t.name = added.role || 's'
        WHERE t.organization_id = NEW.organization_id
        ON CONFLICT DO NOTHING;
    ELSIF NEW.what = 'team' AND NEW.after ~ '^[a-z][a-z0-9_-]{0,39}$' THEN
        INSERT INTO auth_group (name)
        SELECT o.slug || '/' || NEW.after FROM accounts_organization o WHERE o.id = NEW.organization_id
        ON CONFLICT DO NOTHING;
        SELECT g.id INTO made_group FROM auth_group g JOIN accounts_organization o ON o.id = NEW.organization_id
        WHERE g.name = o.slug || '/' || NEW.after;
        INSERT INTO accounts_team (id, organization_id, group_id, name)
        VALUES (NEW.team_id, NEW.organization_id, made_group, NEW.after);
    ELSIF NEW.what = 'join' AND EXISTS (SELECT 1 FROM accounts_user WHERE id = whose.user_id AND is_active) THEN
        INSERT INTO accounts_user_groups (user_id, group_id) VALUES (whose.user_id, in_team.group_id);
    ELSIF NEW.what = 'leave' THEN
        DELETE FROM accounts_user_groups WHERE user_id = whose.user_id AND group_id = in_team.group_id;
    ELSE
        RAISE EXCEPTION 'accounts_standingchange: it is not as the change says' USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE TRIGGER accounts_standingchange_made AFTER INSERT ON accounts_standingchange
    FOR EACH ROW EXECUTE FUNCTION accounts_standingchange_made();
"""

TOLD = """
CREATE FUNCTION accounts_standingchange_told() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM traces_event e
        WHERE e.subject = CASE NEW.what WHEN 'tier' THEN NEW.member_id WHEN 'roles' THEN NEW.member_id
                WHEN 'team' THEN NEW.organization_id ELSE NEW.team_id END
          AND e.verb = CASE NEW.what WHEN 'tier' THEN 'tier_set' WHEN 'roles' THEN 'roles_set'
                WHEN 'team' THEN 'team_created' WHEN 'join' THEN 'team_joined' ELSE 'team_left' END
          AND e.transaction = pg_current_xact_id()::text::bigint
    ) THEN
        RAISE EXCEPTION 'accounts_standingchange: no event tells of it' USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER accounts_standingchange_told AFTER INSERT ON accounts_standingchange
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION accounts_standingchange_told();
"""

WHATS = [("tier", "Tier"), ("roles", "Roles"), ("team", "Team"), ("join", "Join"), ("leave", "Leave")]
NAMED = (
    models.Q(member__isnull=True, team__isnull=False, what="team")
    | models.Q(member__isnull=False, team__isnull=False, what__in=["join", "leave"])
    | models.Q(member__isnull=False, team__isnull=True, what__in=["tier", "roles"])
)


class Migration(migrations.Migration):
    """One table, and what its rows do."""

    dependencies: ClassVar = [("accounts", "0002_grants"), ("traces", "0003_honest_events")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="StandingChange",
            fields=[
                ("id", models.UUIDField(default=uuid7, editable=False, primary_key=True, serialize=False)),
                ("what", models.CharField(choices=WHATS, max_length=8)),
                ("before", models.CharField(blank=True, max_length=200)),
                ("after", models.CharField(blank=True, max_length=200)),
                ("reason", models.TextField()),
                ("at", models.DateTimeField(db_default=Now())),
                ("by", models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                (
                    "member",
                    models.ForeignKey(null=True, on_delete=PROTECT, related_name="changes", to="accounts.membership"),
                ),
                ("organization", models.ForeignKey(on_delete=PROTECT, related_name="+", to="accounts.organization")),
                ("team", models.ForeignKey(null=True, on_delete=PROTECT, related_name="changes", to="accounts.team")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="standing_change_has_a_reason"
                    ),
                    models.CheckConstraint(condition=NAMED, name="standing_change_names_whose"),
                ],
            },
        ),
        run(MADE),
        run(TOLD),
        run(append_only("accounts_standingchange")),
        run(own_rows("accounts_standingchange"), all_rows("accounts_standingchange")),
        run(grant("accounts_standingchange", web="SELECT, INSERT", worker="SELECT")),
    ]
