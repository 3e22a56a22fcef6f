"""Policies that are tried before they are in force, how often each entry was met, and who may put a policy in force.

No process may write ``approvals_policyversion``. A person's next version goes through ``approvals_put_policy``, which
runs as the owner and refuses whoever is no administrator there, a number that is taken, and a reason that says nothing;
and a version that a person made cannot commit without the event that tells of it.
"""

from typing import ClassVar

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import traces.ids
from traces.guards import all_rows, grant, kept, own_rows, run

PUT = """
CREATE FUNCTION approvals_put_policy(
    of_id uuid, of_organization uuid, after integer, document jsonb, why text, by_person uuid
) RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
BEGIN
    IF session_user = 'countersign_worker' OR (session_user = 'countersign_web'
        AND of_organization IS DISTINCT FROM nullif(current_setting('lam.organization', true), '')::uuid) THEN
        RAISE EXCEPTION 'approvals_put_policy: not % for %', session_user, of_organization USING ERRCODE = 'CS001';
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id AND u.is_active
        WHERE m.organization_id = of_organization AND m.user_id = by_person AND 'administrator' = ANY (m.roles)) THEN
        RAISE EXCEPTION 'approvals_put_policy: % is no administrator there', by_person USING ERRCODE = 'CS001';
    END IF;
    IF btrim(why) = '' OR jsonb_typeof(document) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'approvals_put_policy: a document and a reason are needed' USING ERRCODE = 'CS001';
    END IF;
    INSERT INTO approvals_policyversion (id, organization_id, number, settings, reason, made_by_id)
    SELECT of_id, of_organization, after + 1, document, why, by_person
    WHERE after = (SELECT max(number) FROM approvals_policyversion WHERE organization_id = of_organization);
    IF NOT FOUND THEN
        RAISE unique_violation USING MESSAGE = 'approvals_put_policy: another version is in force by now';
    END IF;
END $body$;
REVOKE ALL ON FUNCTION approvals_put_policy(uuid, uuid, integer, jsonb, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION approvals_put_policy(uuid, uuid, integer, jsonb, text, uuid) TO countersign_web;

CREATE FUNCTION approvals_policyversion_told() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM traces_event e
        WHERE e.subject = NEW.id AND e.verb = 'policy_changed'
          AND e.transaction = pg_current_xact_id()::text::bigint) THEN
        RAISE EXCEPTION 'approvals_policyversion: no event tells of version %', NEW.number USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER approvals_policyversion_told AFTER INSERT ON approvals_policyversion
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.made_by_id IS NOT NULL)
    EXECUTE FUNCTION approvals_policyversion_told();
"""
UNPUT = """
DROP TRIGGER approvals_policyversion_told ON approvals_policyversion;
DROP FUNCTION approvals_policyversion_told();
DROP FUNCTION approvals_put_policy(uuid, uuid, integer, jsonb, text, uuid);
"""

REPLAYED = ["state", "days", "reached", "upto", "expected", "seen", "found", "asked_at", "finished_at"]
RIGHTS = f"""
GRANT SELECT, INSERT, UPDATE ({", ".join(REPLAYED)}) ON approvals_trial TO countersign_web;
GRANT SELECT, UPDATE (state, reached, seen, found, finished_at) ON approvals_trial TO countersign_worker;
"""


class Migration(migrations.Migration):
    """Tables, rights, and the one door to a next version."""

    dependencies: ClassVar = [
        ("accounts", "0002_grants"),
        ("approvals", "0017_grants"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="HitsCounted",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("upto", models.UUIDField()),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="hits_counted_once")],
            },
        ),
        migrations.CreateModel(
            name="Hits",
            fields=[
                (
                    "id",
                    models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                ("entry", models.CharField(max_length=80)),
                ("day", models.DateField()),
                ("number", models.BigIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "entry", "day"), name="hits_once_a_day"),
                    models.CheckConstraint(condition=models.Q(("number__gte", 0)), name="hits_not_negative"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Trial",
            fields=[
                (
                    "id",
                    models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("follows", models.IntegerField()),
                ("settings", models.JSONField()),
                ("created", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("written", "Written"),
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("cancelled", "Cancelled"),
                            ("failed", "Failed"),
                        ],
                        default="written",
                        max_length=10,
                    ),
                ),
                ("days", models.SmallIntegerField(default=0)),
                ("reached", models.UUIDField(null=True)),
                ("upto", models.UUIDField(null=True)),
                ("expected", models.IntegerField(default=0)),
                ("seen", models.IntegerField(default=0)),
                ("found", models.JSONField(default=dict)),
                ("asked_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["written", "waiting", "running", "done", "cancelled", "failed"])
                        ),
                        name="trial_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(state="written") | models.Q(reached__isnull=False, upto__isnull=False),
                        name="trial_knows_its_range",
                    ),
                ],
                "indexes": [
                    models.Index(
                        fields=["id"],
                        condition=models.Q(state__in=["waiting", "running"]),
                        name="trial_under_way",
                    ),
                ],
            },
        ),
        run(PUT, UNPUT),
        run(kept("approvals_trial", REPLAYED)),
        run(own_rows("approvals_trial"), all_rows("approvals_trial")),
        run(own_rows("approvals_hits"), all_rows("approvals_hits")),
        run(RIGHTS),
        run(grant("approvals_hits", web="SELECT", worker="SELECT, INSERT, UPDATE")),
        run(grant("approvals_hitscounted", worker="SELECT, INSERT, UPDATE")),
    ]
