"""Bounded grants: a person's standing yes, what ends it, and how its uses are counted.

A row of ``approvals_grant`` is written once, looked over by the database as it is born, and revoked at most once. Uses
are counted in one function of the owner's, in the transaction that stages the action: processes can call it and cannot
write its table. A use is given back in the statement that ends its action without effect, or that sends it to people.
"""

from typing import ClassVar

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import traces.ids
from traces.guards import all_rows, grant, kept, own_rows, run

# One answer for everybody who asks: whoever lists grants, counts a use, signs a permit or claims a call. Without a
# moment the time is not asked. A stop over its scopes that is newer than the grant ends it for good, released or not.
ENDED = """
CREATE FUNCTION approvals_grant_ended(g approvals_grant, moment timestamptz) RETURNS text LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
    SELECT CASE
        WHEN g.revoked_at IS NOT NULL THEN 'revoked'
        WHEN moment >= g.expires_at THEN 'expired'
        WHEN NOT EXISTS (
            SELECT 1 FROM tools_tool t
            WHERE t.id = g.tool_id AND t.version_id = g.tool_version_id AND t.enabled AND NOT t.forbidden)
            THEN 'tool_changed'
        WHEN (SELECT count(DISTINCT x.codename) FROM tools_right x
              WHERE x.user_id = g.made_by_id AND x.tool_id = g.tool_id
                AND x.codename IN ('review_tool', 'configure_tool')) < 2 THEN 'maker_may_not'
        WHEN EXISTS (SELECT 1 FROM tools_killswitch k WHERE k.scope_key = ANY (g.scopes) AND k.epoch > g.epoch)
            THEN 'stopped'
        ELSE '' END
$$;
"""

BORN = """
CREATE FUNCTION approvals_grant_born() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
DECLARE
    shown record;
    now_is timestamptz := clock_timestamp();
BEGIN
    SELECT a.principals, a.initiator_id, v.contract INTO shown
    FROM approvals_action a
    JOIN approvals_revision r ON r.id = NEW.revision_id AND r.action_id = a.id AND r.number = a.revision
    JOIN tools_tool t ON t.id = a.tool_id
    JOIN tools_toolversion v ON v.id = t.version_id AND v.id = r.tool_version_id
    WHERE a.id = NEW.example_id AND a.organization_id = NEW.organization_id AND t.organization_id = NEW.organization_id
      AND a.tool_id = NEW.tool_id AND v.id = NEW.tool_version_id AND a.agent_id = NEW.agent_id
      AND a.undo_of IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'approvals_grant: it is not like the example that it names' USING ERRCODE = 'CS001';
    END IF;
    IF (NEW.initiator_id IS NOT NULL AND NEW.initiator_id <> shown.initiator_id)
        OR (NEW.team_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM accounts_team t JOIN accounts_user_groups m ON m.group_id = t.group_id
            WHERE t.id = NEW.team_id AND t.organization_id = NEW.organization_id
              AND m.user_id = shown.initiator_id)) THEN
        RAISE EXCEPTION 'approvals_grant: it is for somebody else than the example' USING ERRCODE = 'CS001';
    END IF;
    IF shown.contract ->> 'tier' <> 'read' AND (
        shown.contract -> 'reversible' IS DISTINCT FROM 'true'::jsonb
        OR shown.contract -> 'idempotency' ->> 'kind' IS NOT DISTINCT FROM 'neither') THEN
        RAISE EXCEPTION 'approvals_grant: nothing allows beforehand what cannot be undone or repeated'
            USING ERRCODE = 'CS001';
    END IF;
    IF jsonb_typeof(NEW.bounds) IS DISTINCT FROM 'array' OR NEW.expires_at > now_is + interval '30 days 1 minute' THEN
        RAISE EXCEPTION 'approvals_grant: bounds are a list, and thirty days the longest time' USING ERRCODE = 'CS001';
    END IF;
    NEW.created := now_is;
    NEW.principals := shown.principals;
    NEW.scopes := ARRAY['everything', 'organization:' || NEW.organization_id, 'agent:' || NEW.agent_id,
                        'tool:' || NEW.tool_id]
        || CASE WHEN NEW.initiator_id IS NULL THEN '{}'::text[] ELSE ARRAY['initiator:' || NEW.initiator_id] END;
    SELECT coalesce(max(k.epoch), 0) INTO NEW.epoch FROM tools_killswitch k WHERE k.scope_key = ANY (NEW.scopes);
    IF approvals_grant_ended(NEW, now_is) <> '' THEN
        RAISE EXCEPTION 'approvals_grant: it would be over before it began: %', approvals_grant_ended(NEW, now_is)
            USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_grant_born BEFORE INSERT ON approvals_grant
    FOR EACH ROW EXECUTE FUNCTION approvals_grant_born();
ALTER TABLE approvals_grant ADD CONSTRAINT no_principal_grants CHECK (NOT (made_by_id = ANY (principals)));

CREATE FUNCTION approvals_grant_revoked() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF OLD.revoked_at IS NOT NULL THEN
        RAISE EXCEPTION 'approvals_grant: % is revoked already', OLD.id USING ERRCODE = 'CS001';
    END IF;
    NEW.revoked_at := clock_timestamp();
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_grant_revoked BEFORE UPDATE ON approvals_grant
    FOR EACH ROW EXECUTE FUNCTION approvals_grant_revoked();

CREATE FUNCTION approvals_grant_told() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM traces_event e
        WHERE e.subject = NEW.id AND e.verb = CASE TG_OP WHEN 'INSERT' THEN 'grant_made' ELSE 'grant_revoked' END
          AND e.transaction = pg_current_xact_id()::text::bigint) THEN
        RAISE EXCEPTION 'approvals_grant: no event tells of %', NEW.id USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER approvals_grant_told AFTER INSERT OR UPDATE ON approvals_grant
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION approvals_grant_told();
"""

# As with limits, the advisory lock makes whoever uses the same grant wait until the earlier transaction has ended, and
# each statement of a VOLATILE function sees what that one committed, in READ COMMITTED and in no other isolation.
USE = """
CREATE FUNCTION approvals_use_grant(of_grant uuid, of_action uuid, asks numeric)
RETURNS TABLE (used_before integer, spent_before numeric)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    g approvals_grant%ROWTYPE;
    old approvals_grantuse%ROWTYPE;
    stands text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'approvals_use_grant: counted in READ COMMITTED or not at all' USING ERRCODE = 'CS001';
    END IF;
    IF (asks >= 0 AND asks < 1e38) IS NOT TRUE THEN  -- NaN and Infinity are greater than every number
        RAISE EXCEPTION 'approvals_use_grant: an amount of % cannot be counted', asks USING ERRCODE = 'CS001';
    END IF;
    SELECT a.status INTO stands FROM approvals_action a WHERE a.id = of_action FOR NO KEY UPDATE;
    IF stands <> 'proposed' THEN
        RETURN;  -- people or the world have it
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(of_grant::text, 17));
    SELECT x.* INTO g FROM approvals_grant x WHERE x.id = of_grant;
    IF NOT FOUND OR (session_user = 'countersign_web'
        AND g.organization_id IS DISTINCT FROM nullif(current_setting('lam.organization', true), '')::uuid) THEN
        RETURN;
    END IF;
    SELECT u.* INTO old FROM approvals_grantuse u WHERE u.action = of_action AND u.released_at IS NULL;
    IF FOUND THEN
        IF old.grant_id = of_grant AND old.amount = asks THEN
            RETURN QUERY SELECT old.used_before, old.spent_before;
        END IF;
        RETURN;
    END IF;
    IF approvals_grant_ended(g, clock_timestamp()) <> '' THEN
        RETURN;
    END IF;
    SELECT count(*), coalesce(sum(u.amount), 0) INTO used_before, spent_before
    FROM approvals_grantuse u WHERE u.grant_id = of_grant AND u.released_at IS NULL;
    IF used_before >= g.uses OR (asks > 0 AND g.total IS NULL) OR spent_before + asks > g.total THEN
        RETURN;
    END IF;
    INSERT INTO approvals_grantuse (id, organization_id, grant_id, action, amount, used_before, spent_before, at)
    VALUES (gen_random_uuid(), g.organization_id, of_grant, of_action, asks, used_before, spent_before,
            clock_timestamp());
    RETURN NEXT;
END $body$;

CREATE FUNCTION approvals_grantuse_held() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM approvals_action a
        JOIN approvals_grant g ON g.id = NEW.grant_id AND g.organization_id = a.organization_id
        WHERE a.id = NEW.action AND a.organization_id = NEW.organization_id AND a.tool_id = g.tool_id
          AND a.agent_id = g.agent_id AND a.undo_of IS NULL AND NOT g.made_by_id = ANY (a.principals)
          AND (g.initiator_id IS NULL OR g.initiator_id = a.initiator_id)) THEN
        RAISE EXCEPTION 'approvals_grantuse: % is not what the grant is for', NEW.action USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER approvals_grantuse_held AFTER INSERT ON approvals_grantuse
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION approvals_grantuse_held();

CREATE FUNCTION approvals_action_not_by_grant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $guard$
BEGIN
    UPDATE approvals_grantuse u SET released_at = clock_timestamp()
    WHERE u.action = NEW.id AND u.released_at IS NULL;
    RETURN NULL;
END $guard$;
CREATE TRIGGER approvals_action_not_by_grant AFTER UPDATE OF status ON approvals_action FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status
          AND NEW.status IN ('in_review', 'denied', 'rejected', 'expired', 'withdrawn', 'halted', 'failed'))
    EXECUTE FUNCTION approvals_action_not_by_grant();
"""

RIGHTS = """
GRANT SELECT, INSERT, UPDATE (revoked_at, revoked_by_id, revoked_because) ON approvals_grant TO countersign_web;
GRANT SELECT ON approvals_grant TO countersign_worker;
REVOKE ALL ON FUNCTION approvals_use_grant(uuid, uuid, numeric), approvals_action_not_by_grant(),
    approvals_grantuse_held(), approvals_grant_told(), approvals_grant_revoked(), approvals_grant_born() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION approvals_use_grant(uuid, uuid, numeric) TO countersign_web, countersign_worker;
"""


def _to(model: str, **more: object) -> models.ForeignKey:
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=model, **more)


def _id() -> models.UUIDField:
    return models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False)


class Migration(migrations.Migration):
    """Two tables, what looks them over, and the one function that counts."""

    dependencies: ClassVar = [
        ("accounts", "0002_grants"),
        ("tools", "0003_rights"),
        ("approvals", "0016_inbox"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Grant",
            fields=[
                ("id", _id()),
                ("organization", _to("accounts.organization")),
                ("example", _to("approvals.action")),
                ("revision", _to("approvals.revision")),
                (
                    "principals",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None),
                ),
                ("tool", _to("tools.tool", db_index=False)),
                ("tool_version", _to("tools.toolversion")),
                ("agent", _to("accounts.agent")),
                ("initiator", _to(settings.AUTH_USER_MODEL, null=True)),
                ("team", _to("accounts.team", null=True)),
                ("bounds", models.JSONField()),
                ("uses", models.IntegerField()),
                ("total", models.DecimalField(decimal_places=18, max_digits=60, null=True)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("reason", models.TextField()),
                ("made_by", _to(settings.AUTH_USER_MODEL)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=60), default=list, size=None
                    ),
                ),
                ("epoch", models.BigIntegerField(default=0)),
                ("created", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                ("revoked_by", _to(settings.AUTH_USER_MODEL, null=True)),
                ("revoked_because", models.TextField(blank=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("uses__gte", 1), ("uses__lte", 1000)), name="grant_uses_bounded"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("created"))), name="grant_has_a_life"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(total__isnull=True, currency="")
                        | (models.Q(total__gt=0, total__lt=10**38) & ~models.Q(currency="")),
                        name="grant_total_has_a_currency",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(initiator__isnull=True, team__isnull=False)
                        | models.Q(initiator__isnull=False, team__isnull=True),
                        name="grant_for_a_person_or_a_team",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(revoked_at__isnull=True, revoked_by__isnull=True, revoked_because="")
                        | (
                            models.Q(revoked_at__isnull=False, revoked_by__isnull=False) & ~models.Q(revoked_because="")
                        ),
                        name="grant_revoked_by_somebody",
                    ),
                    models.CheckConstraint(condition=~models.Q(reason=""), name="grant_has_a_reason"),
                ],
                "indexes": [
                    models.Index(
                        fields=["tool", "id"], condition=models.Q(revoked_at__isnull=True), name="grant_of_a_tool"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="GrantUse",
            fields=[
                ("id", _id()),
                ("organization", _to("accounts.organization")),
                (
                    "grant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="taken",
                        to="approvals.grant",
                    ),
                ),
                ("action", models.UUIDField()),
                ("amount", models.DecimalField(decimal_places=18, max_digits=60)),
                ("used_before", models.IntegerField()),
                ("spent_before", models.DecimalField(decimal_places=18, max_digits=60)),
                ("at", models.DateTimeField()),
                ("released_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(released_at__isnull=True), fields=("action",), name="one_grant_an_action"
                    ),
                ],
                "indexes": [
                    models.Index(fields=["grant"], condition=models.Q(released_at__isnull=True), name="grant_taken"),
                ],
            },
        ),
        run(ENDED + BORN + USE),
        run(kept("approvals_grant", ["revoked_at", "revoked_by_id", "revoked_because"])),
        run(kept("approvals_grantuse", ["released_at"])),
        run(own_rows("approvals_grant"), all_rows("approvals_grant")),
        run(own_rows("approvals_grantuse"), all_rows("approvals_grantuse")),
        run(grant("approvals_grantuse", web="SELECT", worker="SELECT")),
        run(RIGHTS),
    ]
