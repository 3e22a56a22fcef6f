"""Tokens that say what they are for and who has seen them, sessions that somebody else can end, people switched off.

A token's row is judged when it is written: an agent's names the agent's owner and nobody else, and one that the web
account makes names an active administrator as its maker. A session counts while its row here is open. People are
switched off and on, and an organization is named, by a row of ``accounts_standingchange`` like every other standing.
"""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now

from traces.guards import all_rows, grant, kept, own_rows, run
from traces.ids import uuid7

TOKEN = """
CREATE FUNCTION accounts_apitoken_judged() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at THEN
            RAISE EXCEPTION 'accounts_apitoken: what was ended stays ended' USING ERRCODE = 'CS001';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.agent_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM accounts_agent a
        WHERE a.id = NEW.agent_id AND a.organization_id = NEW.organization_id AND a.owner_id = NEW.user_id) THEN
        RAISE EXCEPTION 'accounts_apitoken: an agent''s token names the agent''s owner' USING ERRCODE = 'CS001';
    END IF;
    IF NEW.made_by_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id AND u.is_active
        WHERE m.user_id = NEW.made_by_id AND m.organization_id = NEW.organization_id
          AND 'administrator' = ANY (m.roles::text[])) THEN
        RAISE EXCEPTION 'accounts_apitoken: % administers nothing here', NEW.made_by_id USING ERRCODE = 'CS001';
    END IF;
    IF NEW.agent_id IS NULL AND NEW.made_by_id <> NEW.user_id THEN
        RAISE EXCEPTION 'accounts_apitoken: nobody makes a token in the name of another' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER accounts_apitoken_judged BEFORE INSERT OR UPDATE ON accounts_apitoken
    FOR EACH ROW EXECUTE FUNCTION accounts_apitoken_judged();

CREATE FUNCTION accounts_apitoken_told() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM traces_event e
        WHERE e.subject = NEW.id AND e.verb = CASE TG_OP WHEN 'INSERT' THEN 'token_created' ELSE 'token_revoked' END
          AND e.transaction = pg_current_xact_id()::text::bigint) THEN
        RAISE EXCEPTION 'accounts_apitoken: no event tells of %', NEW.prefix USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER accounts_apitoken_told_insert AFTER INSERT ON accounts_apitoken
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION accounts_apitoken_told();
CREATE CONSTRAINT TRIGGER accounts_apitoken_told AFTER UPDATE OF revoked_at ON accounts_apitoken
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.revoked_at IS DISTINCT FROM NEW.revoked_at)
    EXECUTE FUNCTION accounts_apitoken_told();
GRANT UPDATE (last_used_at) ON accounts_apitoken TO countersign_web;
"""

SIGN_IN = """
CREATE FUNCTION accounts_signin_ended() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF OLD.ended_at IS NOT NULL AND NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'accounts_signin: what was ended stays ended' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER accounts_signin_ended BEFORE UPDATE ON accounts_signin
    FOR EACH ROW EXECUTE FUNCTION accounts_signin_ended();

-- For pages that stay open, asked for many organizations at once: whoever knows an id learns whether it is open.
CREATE FUNCTION accounts_signins_open(ids uuid[]) RETURNS SETOF uuid LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT s.id FROM accounts_signin s WHERE s.id = ANY (ids) AND s.ended_at IS NULL
$$;
REVOKE ALL ON FUNCTION accounts_signins_open(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accounts_signins_open(uuid[]) TO countersign_web;
"""

# As in 0003_standing, with what an organization is called, and with people who are switched off and on. Whoever writes
# a row waits for whoever else does here, so that of two administrators who switch each other off one stays.
MADE = """
CREATE OR REPLACE FUNCTION accounts_standingchange_made() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $guard$
DECLARE
    whose accounts_membership;
    in_team accounts_team;
    made_group integer;
    done integer := 1;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('standing:' || NEW.organization_id::text, 0));
    IF NOT EXISTS (
        SELECT 1 FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id AND u.is_active
        WHERE m.user_id = NEW.by_id AND m.organization_id = NEW.organization_id
          AND 'administrator' = ANY (m.roles::text[])) THEN
        RAISE EXCEPTION 'accounts_standingchange: % administers nothing here', NEW.by_id USING ERRCODE = 'CS001';
    END IF;
    IF NEW.what NOT IN ('team', 'name', 'zone') THEN
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
    IF NEW.what IN ('off', 'on') AND EXISTS (
        SELECT 1 FROM accounts_membership m
        WHERE m.user_id = whose.user_id AND m.organization_id <> NEW.organization_id) THEN
        RAISE EXCEPTION 'accounts_standingchange: the account is used elsewhere too' USING ERRCODE = 'CS001';
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
    ELSIF NEW.what IN ('off', 'on') THEN
        UPDATE accounts_user SET is_active = (NEW.what = 'on')
        WHERE id = whose.user_id AND is_active = (NEW.what = 'off');
        GET DIAGNOSTICS done = ROW_COUNT;
        UPDATE accounts_signin SET ended_at = clock_timestamp(), ended_by_id = NEW.by_id
        WHERE user_id = whose.user_id AND ended_at IS NULL;
    ELSIF NEW.what = 'end' THEN
        UPDATE accounts_signin SET ended_at = clock_timestamp(), ended_by_id = NEW.by_id
        WHERE user_id = whose.user_id AND organization_id = NEW.organization_id AND ended_at IS NULL;
    ELSIF NEW.what = 'name' AND btrim(NEW.after) <> '' THEN
        UPDATE accounts_organization SET name = NEW.after WHERE id = NEW.organization_id AND name = NEW.before;
        GET DIAGNOSTICS done = ROW_COUNT;
    ELSIF NEW.what = 'zone' AND EXISTS (SELECT 1 FROM pg_timezone_names z WHERE z.name = NEW.after) THEN
        UPDATE accounts_organization SET time_zone = NEW.after
        WHERE id = NEW.organization_id AND time_zone = NEW.before;
        GET DIAGNOSTICS done = ROW_COUNT;
    ELSE
        done := 0;
    END IF;
    IF done = 0 THEN
        RAISE EXCEPTION 'accounts_standingchange: it is not as the change says' USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;

CREATE OR REPLACE FUNCTION accounts_standingchange_told() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM traces_event e
        WHERE e.subject = CASE WHEN NEW.what IN ('tier', 'roles', 'off', 'on', 'end') THEN NEW.member_id
                WHEN NEW.what IN ('team', 'name', 'zone') THEN NEW.organization_id ELSE NEW.team_id END
          AND e.verb = CASE NEW.what WHEN 'tier' THEN 'tier_set' WHEN 'roles' THEN 'roles_set'
                WHEN 'team' THEN 'team_created' WHEN 'join' THEN 'team_joined' WHEN 'leave' THEN 'team_left'
                WHEN 'off' THEN 'person_switched_off' WHEN 'on' THEN 'person_switched_on'
                WHEN 'end' THEN 'sessions_ended' ELSE 'organization_set' END
          AND e.transaction = pg_current_xact_id()::text::bigint
    ) THEN
        RAISE EXCEPTION 'accounts_standingchange: no event tells of it' USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
"""

WHATS = [
    ("tier", "Tier"), ("roles", "Roles"), ("team", "Team"), ("join", "Join"), ("leave", "Leave"), ("off", "Off"),
    ("on", "On"), ("end", "End"), ("name", "Name"), ("zone", "Zone"),
]  # fmt: skip
NAMED = (
    models.Q(member__isnull=True, team__isnull=False, what="team")
    | models.Q(member__isnull=False, team__isnull=False, what__in=["join", "leave"])
    | models.Q(member__isnull=False, team__isnull=True, what__in=["tier", "roles", "off", "on", "end"])
    | models.Q(member__isnull=True, team__isnull=True, what__in=["name", "zone"])
)


def _to(model: str, **more: object) -> models.ForeignKey:
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to=model, **more)


class Migration(migrations.Migration):
    """One table, some columns, and what rows may say."""

    dependencies: ClassVar = [
        ("accounts", "0003_standing"),
        ("sessions", "0001_initial"),
        ("traces", "0003_honest_events"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.AddField("organization", "time_zone", models.CharField(default="UTC", max_length=64)),
        migrations.AlterField("user", "time_zone", models.CharField(blank=True, default="", max_length=64)),
        run("UPDATE accounts_user SET time_zone = '' WHERE time_zone = 'UTC';"),
        migrations.AddField("apitoken", "name", models.CharField(blank=True, default="", max_length=80), False),
        migrations.AddField("apitoken", "made_by", _to(settings.AUTH_USER_MODEL, null=True, related_name="+")),
        migrations.AddField("apitoken", "last_used_at", models.DateTimeField(blank=True, null=True)),
        migrations.CreateModel(
            name="SignIn",
            fields=[
                ("id", models.UUIDField(default=uuid7, editable=False, primary_key=True, serialize=False)),
                ("organization", _to("accounts.organization", related_name="+")),
                ("user", _to(settings.AUTH_USER_MODEL, related_name="sign_ins")),
                ("device", models.CharField(max_length=80)),
                ("began", models.DateTimeField(db_default=Now())),
                ("seen", models.DateTimeField(db_default=Now())),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_by", _to(settings.AUTH_USER_MODEL, null=True, related_name="+")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(ended_at__isnull=True, ended_by__isnull=True)
                        | models.Q(ended_at__isnull=False, ended_by__isnull=False),
                        name="sign_in_ended_by_somebody",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["user", "seen"], condition=models.Q(ended_at=None), name="sign_in_open"),
                ],
            },
        ),
        migrations.AlterField("standingchange", "what", models.CharField(choices=WHATS, max_length=8)),
        migrations.RemoveConstraint("standingchange", "standing_change_names_whose"),
        migrations.AddConstraint(
            "standingchange", models.CheckConstraint(condition=NAMED, name="standing_change_names_whose")
        ),
        run(TOKEN),
        run(SIGN_IN + kept("accounts_signin", ["seen", "ended_at", "ended_by_id"])),
        run(MADE),
        run(own_rows("accounts_signin"), all_rows("accounts_signin")),
        run(grant("accounts_signin", web="SELECT, INSERT")),
        run("GRANT UPDATE (seen, ended_at, ended_by_id) ON accounts_signin TO countersign_web;"),
    ]
