"""Canaries: what auditors define, how many there are, and that none of them can ever run.

Three walls keep a canary from the world, whoever writes: an action that is one cannot take a status from which
anything runs, no permit can be inserted for it, and whether an action is one is written at its birth and never again.
Who defined one, set the rate or planted one is told in the record, on rows of their own: the canary's own story reads
like any other's until somebody has decided on it.
"""

from typing import ClassVar

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import traces.ids
from traces.guards import all_rows, append_only, grant, kept, own_rows, run

RUNS = ["scheduled", "permitted", "executing", "done", "failed", "uncertain", "undone"]

WALLS = """
CREATE FUNCTION approvals_permit_no_canary() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF (SELECT a.canary FROM approvals_action a WHERE a.id = NEW.action_id) IS DISTINCT FROM false THEN
        RAISE EXCEPTION 'approvals_permit: % is a canary, and nothing permits one', NEW.action_id
            USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_permit_no_canary BEFORE INSERT ON approvals_permit
    FOR EACH ROW EXECUTE FUNCTION approvals_permit_no_canary();

CREATE FUNCTION approvals_grant_no_canary() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF (SELECT a.canary FROM approvals_action a WHERE a.id = NEW.example_id) IS DISTINCT FROM false THEN
        RAISE EXCEPTION 'approvals_grant: a canary is no example of what may happen' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_grant_no_canary BEFORE INSERT ON approvals_grant
    FOR EACH ROW EXECUTE FUNCTION approvals_grant_no_canary();

CREATE FUNCTION approvals_action_is_canary() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM approvals_canary c WHERE c.action_id = NEW.id) OR NEW.undo_of IS NOT NULL THEN
        RAISE EXCEPTION 'approvals_action: % is a canary that nobody planted', NEW.id USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER approvals_action_is_canary AFTER INSERT ON approvals_action
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.canary) EXECUTE FUNCTION approvals_action_is_canary();

CREATE FUNCTION approvals_canary_born() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM approvals_action a JOIN approvals_canarytemplate t ON t.id = NEW.template_id
        WHERE a.id = NEW.action_id AND a.canary AND a.organization_id = NEW.organization_id
          AND t.organization_id = NEW.organization_id AND t.tool_id = a.tool_id) THEN
        RAISE EXCEPTION 'approvals_canary: it is not of its template' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_canary_born BEFORE INSERT ON approvals_canary
    FOR EACH ROW EXECUTE FUNCTION approvals_canary_born();
"""


def _told(table: str, when: str, verb: str) -> str:
    """A deferred trigger: a row that is written and that no event of its transaction tells of cannot commit."""
    name = f"{table}_{verb}"
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM traces_event e
        WHERE e.subject = NEW.id AND e.verb = '{verb}' AND e.transaction = pg_current_xact_id()::text::bigint) THEN
        RAISE EXCEPTION '{table}: no event tells of %', NEW.id USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER {name} AFTER {when} ON {table}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {name}();
"""  # noqa: S608


def _to(model: str, **more: object) -> models.ForeignKey:
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, **{"related_name": "+", **more}, to=model)


def _id() -> models.UUIDField:
    return models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False)


NOW = django.db.models.functions.datetime.Now


class Migration(migrations.Migration):
    """One column that nobody changes, three tables, and the walls."""

    dependencies: ClassVar = [
        ("accounts", "0002_grants"),
        ("tools", "0003_rights"),
        ("approvals", "0024_limits"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.AddField("action", "canary", models.BooleanField(db_default=False, default=False)),
        migrations.AddConstraint(
            "action",
            models.CheckConstraint(
                condition=models.Q(canary=False) | ~models.Q(status__in=RUNS), name="action_canary_never_runs"
            ),
        ),
        migrations.CreateModel(
            name="CanaryTemplate",
            fields=[
                ("id", _id()),
                ("organization", _to("accounts.organization")),
                ("tool", _to("tools.tool")),
                ("arguments", models.TextField()),
                ("claim", models.TextField(blank=True)),
                ("why", models.TextField()),
                ("made_by", _to(settings.AUTH_USER_MODEL)),
                ("created", models.DateTimeField(db_default=NOW())),
                ("retired_at", models.DateTimeField(null=True)),
                ("retired_by", _to(settings.AUTH_USER_MODEL, null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=~models.Q(why=""), name="canary_template_says_why"),
                    models.CheckConstraint(
                        condition=models.Q(retired_at__isnull=True, retired_by__isnull=True)
                        | models.Q(retired_at__isnull=False, retired_by__isnull=False),
                        name="canary_template_retired_by_somebody",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CanaryPlan",
            fields=[
                ("id", _id()),
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
                    ),
                ),
                ("rate", models.FloatField(default=0)),
                ("set_by", _to(settings.AUTH_USER_MODEL)),
                ("set_at", models.DateTimeField(db_default=NOW())),
                ("countdown", models.IntegerField(default=0)),
                ("seen", models.UUIDField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(rate__gte=0, rate__lte=0.05), name="canary_rate_bounded"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Canary",
            fields=[
                ("id", _id()),
                ("organization", _to("accounts.organization")),
                (
                    "action",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="planted", to="approvals.action"
                    ),
                ),
                ("template", _to("approvals.canarytemplate", related_name="planted")),
                ("created", models.DateTimeField(db_default=NOW())),
            ],
        ),
        run(WALLS),
        run(_told("approvals_canarytemplate", "INSERT", "canary_defined")),
        run(_told("approvals_canarytemplate", "UPDATE", "canary_retired")),
        run(_told("approvals_canaryplan", "INSERT OR UPDATE OF rate, set_by_id, set_at", "canary_rate_set")),
        run(_told("approvals_canary", "INSERT", "canary_planted")),
        run(kept("approvals_canarytemplate", ["retired_at", "retired_by_id"])),
        run(kept("approvals_canaryplan", ["rate", "set_by_id", "set_at", "countdown", "seen"])),
        run(append_only("approvals_canary")),
        *(
            run(own_rows(table), all_rows(table))
            for table in ("approvals_canarytemplate", "approvals_canaryplan", "approvals_canary")
        ),
        run(grant("approvals_canarytemplate", web="SELECT, INSERT", worker="SELECT")),
        run(grant("approvals_canaryplan", web="SELECT, INSERT", worker="SELECT")),
        run(grant("approvals_canary", web="SELECT", worker="SELECT, INSERT")),
        run(
            "GRANT UPDATE (retired_at, retired_by_id) ON approvals_canarytemplate TO countersign_web;"
            "GRANT UPDATE (rate, set_by_id, set_at, countdown) ON approvals_canaryplan TO countersign_web;"
            "GRANT UPDATE (countdown, seen) ON approvals_canaryplan TO countersign_worker;"
        ),
    ]
