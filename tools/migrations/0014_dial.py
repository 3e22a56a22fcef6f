"""Every change of a dial, kept; and no change without such a row.

The web account and the workers may not write ``tools_tool`` at all. They add a row to ``tools_dialchange``, and its
trigger, which runs as the owner, sets the tool to what the row says, or refuses the row: nothing that makes a tool freer
happens without a person who may set it, for a high-risk tool without a second one, or without an owner who answers for
it; and nothing happens without an event in the same transaction.
"""

from typing import ClassVar

from django.conf import settings
from django.db import migrations, models
from django.db.models import PROTECT
from django.db.models.functions import Now

from traces.guards import all_rows, append_only, grant, kept, own_rows, run
from traces.ids import uuid7

FREER = """
CREATE FUNCTION tools_dial_settings(t tools_tool) RETURNS jsonb LANGUAGE sql STABLE SET search_path = public, pg_temp
AS $$ SELECT jsonb_build_object('tier', t.tier, 'maturity', t.maturity, 'veto_seconds', t.veto_seconds,
    'enabled', t.enabled, 'forbidden', t.forbidden, 'recommend_only', t.recommend_only, 'lifted', t.lifted,
    'owner', t.owner_id) $$;

CREATE FUNCTION tools_dial_freer(b jsonb, a jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE
SET search_path = public, pg_temp AS $$
SELECT array_position(ARRAY['read', 'draft', 'write', 'delete', 'admin'], a->>'tier')
         < array_position(ARRAY['read', 'draft', 'write', 'delete', 'admin'], b->>'tier')
    OR array_position(ARRAY['in_the_loop', 'on_the_loop', 'audit_only'], a->>'maturity')
         > array_position(ARRAY['in_the_loop', 'on_the_loop', 'audit_only'], b->>'maturity')
    OR (a->>'maturity' = 'on_the_loop' AND b->>'maturity' = 'on_the_loop'
         AND (a->>'veto_seconds')::int < (b->>'veto_seconds')::int)
    OR ((a->>'enabled')::boolean AND NOT (b->>'enabled')::boolean)
    OR ((b->>'forbidden')::boolean AND NOT (a->>'forbidden')::boolean)
    OR ((b->>'recommend_only')::boolean AND NOT (a->>'recommend_only')::boolean)
    OR EXISTS (
        SELECT 1 FROM jsonb_each(a->'lifted') l
        WHERE NOT (b->'lifted') ? l.key
           OR (l.value->>'limit' IS NULL AND b->'lifted'->l.key->>'limit' IS NOT NULL)
           OR (l.value->>'limit')::numeric > (b->'lifted'->l.key->>'limit')::numeric)
$$;

CREATE FUNCTION tools_dial_grave(tier text, contract jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE
SET search_path = public, pg_temp AS $$
SELECT coalesce(tier IN ('delete', 'admin') OR contract->>'tier' IN ('delete', 'admin')
    OR ((tier <> 'read' OR contract->>'tier' <> 'read')
        AND contract->'categories' ?| ARRAY['money', 'deletion', 'legal', 'access_rights', 'high_stakes']), true)
$$;
"""

CHANGE = """
CREATE FUNCTION tools_dialchange_made() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $guard$
DECLARE
    now_is tools_tool;
    offered jsonb;
    freer boolean := tools_dial_freer(NEW.before, NEW.after);
    needed text[];
BEGIN
    -- Of two hands at once, the second one sees what the first one did.
    SELECT * INTO now_is FROM tools_tool WHERE id = NEW.tool_id AND organization_id = NEW.organization_id FOR UPDATE;
    IF now_is.id IS NULL THEN
        RAISE EXCEPTION 'tools_dialchange: there is no such tool here' USING ERRCODE = 'CS001';
    END IF;
    IF NEW.number <> 1 + coalesce(
        (SELECT max(number) FROM tools_dialchange WHERE tool_id = NEW.tool_id AND id <> NEW.id), 0) THEN
        RAISE EXCEPTION 'tools_dialchange: % is not the next number', NEW.number USING ERRCODE = 'CS001';
    END IF;
    IF NEW.before IS DISTINCT FROM tools_dial_settings(now_is) OR NEW.after = NEW.before
        OR (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(NEW.after) k)
           IS DISTINCT FROM (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(NEW.before) k) THEN
        RAISE EXCEPTION 'tools_dialchange: % is not set as the change says', now_is.name USING ERRCODE = 'CS001';
    END IF;
    IF NEW.version_id IS DISTINCT FROM now_is.version_id THEN
        RAISE EXCEPTION 'tools_dialchange: another version is on offer' USING ERRCODE = 'CS001';
    END IF;
    SELECT contract INTO offered FROM tools_toolversion WHERE id = now_is.version_id;
    IF session_user = 'countersign_worker' AND NEW.kind <> 'automatic'
        OR session_user = 'countersign_web' AND NEW.kind = 'setup' THEN
        RAISE EXCEPTION 'tools_dialchange: % makes no change of this kind', session_user USING ERRCODE = 'CS001';
    END IF;
    IF NEW.kind = 'automatic' AND freer THEN
        RAISE EXCEPTION 'tools_dialchange: nothing becomes freer by itself' USING ERRCODE = 'CS001';
    END IF;
    needed := CASE WHEN freer OR (NEW.before - 'owner') = (NEW.after - 'owner') THEN ARRAY['configure_tool']
        ELSE ARRAY['configure_tool', 'stop_tool'] END;
    IF NEW.kind = 'person' AND NOT EXISTS (
        SELECT 1 FROM tools_right r
        WHERE r.user_id = NEW.by_id AND r.tool_id = NEW.tool_id AND r.codename = ANY (needed)) THEN
        RAISE EXCEPTION 'tools_dialchange: % may not set this', NEW.by_id USING ERRCODE = 'CS001';
    END IF;
    IF freer AND (tools_dial_grave(now_is.tier, offered)) AND NOT EXISTS (
        SELECT 1 FROM tools_dialproposal p JOIN tools_right r
            ON r.user_id = NEW.second_id AND r.tool_id = NEW.tool_id AND r.codename = 'configure_tool'
        WHERE p.id = NEW.proposal_id AND p.tool_id = NEW.tool_id AND p.by_id = NEW.by_id AND p.status = 'accepted'
          AND p.closed_by_id = NEW.second_id AND p.before = NEW.before AND p.after = NEW.after) THEN
        RAISE EXCEPTION 'tools_dialchange: % is of high risk; a second person has to agree', now_is.name
            USING ERRCODE = 'CS001';
    END IF;
    IF freer AND NEW.after->>'maturity' <> 'in_the_loop' AND (
        NEW.after->>'owner' IS NULL OR offered IS NULL
        OR (offered->'idempotency'->>'kind' = 'neither' AND offered->>'tier' <> 'read')
        OR (NEW.after->>'maturity' = 'on_the_loop' AND NEW.after->>'veto_seconds' = '0'
            AND NOT (offered->>'reversible')::boolean)
        OR EXISTS (SELECT 1 FROM jsonb_array_elements_text(offered->'categories') c
            WHERE NOT (NEW.after->'lifted') ? c)) THEN
        RAISE EXCEPTION 'tools_dialchange: % is not ready for this', now_is.name USING ERRCODE = 'CS001';
    END IF;
    IF NEW.after->>'owner' IS NOT NULL AND NEW.after->>'owner' IS DISTINCT FROM NEW.before->>'owner' AND NOT EXISTS (
        SELECT 1 FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id AND u.is_active
        WHERE m.user_id = (NEW.after->>'owner')::uuid AND m.organization_id = NEW.organization_id) THEN
        RAISE EXCEPTION 'tools_dialchange: the owner does not belong to the organization' USING ERRCODE = 'CS001';
    END IF;
    UPDATE tools_tool SET tier = NEW.after->>'tier', maturity = NEW.after->>'maturity',
        veto_seconds = (NEW.after->>'veto_seconds')::int, enabled = (NEW.after->>'enabled')::boolean,
        forbidden = (NEW.after->>'forbidden')::boolean, recommend_only = (NEW.after->>'recommend_only')::boolean,
        lifted = NEW.after->'lifted', owner_id = (NEW.after->>'owner')::uuid
    WHERE id = NEW.tool_id;
    RETURN NULL;
END $guard$;
CREATE TRIGGER tools_dialchange_made AFTER INSERT ON tools_dialchange
    FOR EACH ROW EXECUTE FUNCTION tools_dialchange_made();
"""

TOLD = """
CREATE FUNCTION tools_dial_told() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM traces_event e
        WHERE e.subject = NEW.tool_id AND e.verb = TG_ARGV[0] AND e.transaction = pg_current_xact_id()::text::bigint
    ) THEN
        RAISE EXCEPTION '%: a tool was changed and no event tells of it', TG_TABLE_NAME USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER tools_dialchange_told AFTER INSERT ON tools_dialchange
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tools_dial_told('tool_set');
CREATE CONSTRAINT TRIGGER tools_dialproposal_told AFTER INSERT ON tools_dialproposal
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tools_dial_told('tool_set_proposed');
"""

PROPOSED = """
CREATE FUNCTION tools_dialproposal_made() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'open' OR NOT EXISTS (
            SELECT 1 FROM tools_right r
            WHERE r.user_id = NEW.by_id AND r.tool_id = NEW.tool_id AND r.organization_id = NEW.organization_id
              AND r.codename = 'configure_tool') THEN
            RAISE EXCEPTION 'tools_dialproposal: % may not propose this', NEW.by_id USING ERRCODE = 'CS001';
        END IF;
    ELSIF OLD.status <> 'open' THEN
        RAISE EXCEPTION 'tools_dialproposal: it is closed' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER tools_dialproposal_made BEFORE INSERT OR UPDATE ON tools_dialproposal
    FOR EACH ROW EXECUTE FUNCTION tools_dialproposal_made();
"""

# Behind the accounts' rights: should one of them ever be let write the tool, it still has to say so in a row.
ONLY_SO = """
CREATE FUNCTION tools_tool_dialled() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF session_user IN ('countersign_web', 'countersign_worker')
        AND tools_dial_settings(OLD) IS DISTINCT FROM tools_dial_settings(NEW)
        AND NOT EXISTS (
            SELECT 1 FROM tools_dialchange c
            WHERE c.tool_id = NEW.id AND c.before = tools_dial_settings(OLD) AND c.after = tools_dial_settings(NEW)
              AND c.number = (SELECT max(number) FROM tools_dialchange WHERE tool_id = NEW.id)) THEN
        RAISE EXCEPTION 'tools_tool: % is set by a change that is written down', NEW.name USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER tools_tool_dialled BEFORE UPDATE ON tools_tool FOR EACH ROW EXECUTE FUNCTION tools_tool_dialled();
"""


class Migration(migrations.Migration):
    """Two tables; the second of them moves what the first one says."""

    dependencies: ClassVar = [
        ("tools", "0013_lifted"),
        ("traces", "0004_rows"),
        ("accounts", "0002_grants"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="DialProposal",
            fields=[
                ("id", models.UUIDField(default=uuid7, editable=False, primary_key=True, serialize=False)),
                ("before", models.JSONField()),
                ("after", models.JSONField()),
                ("reason", models.TextField()),
                ("returns_to", models.IntegerField(null=True)),
                ("created", models.DateTimeField(db_default=Now())),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("accepted", "Accepted"), ("withdrawn", "Withdrawn")],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("closed_at", models.DateTimeField(null=True)),
                ("closed_reason", models.TextField(blank=True)),
                ("by", models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                (
                    "closed_by",
                    models.ForeignKey(null=True, on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                ("organization", models.ForeignKey(on_delete=PROTECT, related_name="+", to="accounts.organization")),
                ("tool", models.ForeignKey(on_delete=PROTECT, related_name="proposals", to="tools.tool")),
            ],
        ),
        migrations.CreateModel(
            name="DialChange",
            fields=[
                ("id", models.UUIDField(default=uuid7, editable=False, primary_key=True, serialize=False)),
                ("number", models.IntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("person", "Person"), ("setup", "Setup"), ("automatic", "Automatic")], max_length=10
                    ),
                ),
                ("before", models.JSONField()),
                ("after", models.JSONField()),
                ("because", models.CharField(blank=True, max_length=12)),
                ("reason", models.TextField()),
                ("returns_to", models.IntegerField(null=True)),
                ("at", models.DateTimeField(db_default=Now())),
                ("by", models.ForeignKey(null=True, on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("organization", models.ForeignKey(on_delete=PROTECT, related_name="+", to="accounts.organization")),
                (
                    "second",
                    models.ForeignKey(null=True, on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                ("tool", models.ForeignKey(on_delete=PROTECT, related_name="changes", to="tools.tool")),
                ("version", models.ForeignKey(null=True, on_delete=PROTECT, related_name="+", to="tools.toolversion")),
                (
                    "proposal",
                    models.OneToOneField(null=True, on_delete=PROTECT, related_name="change", to="tools.dialproposal"),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="dialproposal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "open")), fields=("tool",), name="one_open_proposal_a_tool"
            ),
        ),
        migrations.AddConstraint(
            model_name="dialproposal",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="dial_proposal_has_a_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="dialproposal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at__isnull", True), ("closed_by__isnull", True), ("status", "open")),
                    models.Q(
                        ("closed_at__isnull", False),
                        ("closed_by__isnull", False),
                        ("status__in", ["accepted", "withdrawn"]),
                    ),
                    _connector="OR",
                ),
                name="dial_proposal_closed_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="dialproposal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "accepted"), _negated=True),
                    models.Q(("closed_by", models.F("by")), _negated=True),
                    _connector="OR",
                ),
                name="dial_proposal_accepted_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="dialchange",
            constraint=models.UniqueConstraint(fields=("tool", "number"), name="dial_change_number_once"),
        ),
        migrations.AddConstraint(
            model_name="dialchange",
            constraint=models.CheckConstraint(condition=models.Q(("number__gte", 1)), name="dial_change_counted"),
        ),
        migrations.AddConstraint(
            model_name="dialchange",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="dial_change_has_a_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="dialchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("second__isnull", True), models.Q(("second", models.F("by")), _negated=True), _connector="OR"
                ),
                name="dial_change_second_is_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="dialchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("because", ""), ("by__isnull", False), ("kind", "person")),
                    models.Q(("because", ""), ("by__isnull", True), ("kind", "setup"), ("second__isnull", True)),
                    models.Q(
                        ("because__in", ["error_bound", "drift", "harm", "changed"]),
                        ("by__isnull", True),
                        ("kind", "automatic"),
                        ("second__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="dial_change_says_whose_hand",
            ),
        ),
        run(FREER),
        run(append_only("tools_dialchange")),
        run(kept("tools_dialproposal", ["status", "closed_by_id", "closed_at", "closed_reason"])),
        run(CHANGE),
        run(PROPOSED),
        run(TOLD),
        run(ONLY_SO),
        run(own_rows("tools_dialchange"), all_rows("tools_dialchange")),
        run(own_rows("tools_dialproposal"), all_rows("tools_dialproposal")),
        run(grant("tools_dialchange", web="SELECT, INSERT", worker="SELECT, INSERT")),
        run(grant("tools_dialproposal", web="SELECT, INSERT", worker="SELECT")),
        run("GRANT UPDATE (status, closed_by_id, closed_at, closed_reason) ON tools_dialproposal TO countersign_web;"),
    ]
