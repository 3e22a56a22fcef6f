"""Goals that are given without a person at the page: at the times of a schedule, and at signed messages.

Runs of a schedule are made by one function of the owner's. The sweep calls it and cannot write runs itself: it gives
the goal that the schedule holds, for the schedule's person, when its time has come and not before, and once a time.
"""

from typing import ClassVar

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import traces.ids
from traces.guards import all_rows, append_only, grant, kept, own_rows, run

# Two sweepers: the second does not wait for the row that the first holds, and finds the time moved on when it looks
# again. What the person may do is asked at this moment. A run that has not ended holds the next one back.
FIRE = """
CREATE FUNCTION lam_app_fire(of_schedule uuid, of_run uuid, following timestamptz, passed integer)
RETURNS TABLE (became text, due timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    s lam_app_schedule%ROWTYPE;
    acting uuid;
    why text := '';
BEGIN
    SELECT x.* INTO s FROM lam_app_schedule x
    WHERE x.id = of_schedule AND x.paused_at IS NULL AND x.ended_at IS NULL AND x.next_at <= clock_timestamp()
    FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF passed < 0 THEN
        RAISE EXCEPTION 'lam_app_fire: % times cannot have passed', passed USING ERRCODE = 'CS001';
    END IF;
    IF following <= clock_timestamp() THEN
        RETURN;  -- the next time came while it was being asked: whoever looks again counts it
    END IF;
    SELECT a.id INTO acting FROM accounts_agent a WHERE a.organization_id = s.organization_id AND a.builtin;
    due := s.next_at;
    IF NOT EXISTS (
        SELECT 1 FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id
        WHERE m.organization_id = s.organization_id AND m.user_id = s.person_id AND u.is_active
          AND m.roles @> ARRAY['operator']::varchar[]) THEN
        UPDATE lam_app_schedule x SET paused_at = clock_timestamp(),
            paused_because = 'Its person may not give goals here any more.' WHERE x.id = s.id;
        became := 'paused';
        RETURN NEXT;
        RETURN;
    END IF;
    IF EXISTS (
        SELECT 1 FROM lam_app_firing f JOIN lam_app_run r ON r.id = f.run_id
        WHERE f.schedule_id = s.id AND r.status NOT IN ('succeeded', 'failed', 'cancelled', 'undone')) THEN
        why := 'The run before it had not ended.';
    ELSE
        INSERT INTO lam_app_run (id, organization_id, initiator_id, agent_id, goal, context, status, scopes, step,
                                 question, problem, undo_from)
        VALUES (of_run, s.organization_id, s.person_id, acting, s.goal, '{}', 'submitted',
                ARRAY['agent:' || acting, 'everything', 'initiator:' || s.person_id,
                      'organization:' || s.organization_id, 'run:' || of_run], 0, '', '', 0);
    END IF;
    INSERT INTO lam_app_firing (id, organization_id, schedule_id, due_at, missed, run_id, skipped)
    VALUES (gen_random_uuid(), s.organization_id, s.id, s.next_at, passed, CASE WHEN why = '' THEN of_run END, why);
    UPDATE lam_app_schedule x SET next_at = following WHERE x.id = s.id;
    became := CASE WHEN why = '' THEN 'fired' ELSE 'skipped' END;
    RETURN NEXT;
END $body$;

CREATE FUNCTION lam_app_schedule_for_good() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF OLD.ended_at IS NOT NULL THEN
        RAISE EXCEPTION '%: % has ended', TG_TABLE_NAME, OLD.id USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER lam_app_schedule_for_good BEFORE UPDATE ON lam_app_schedule
    FOR EACH ROW EXECUTE FUNCTION lam_app_schedule_for_good();
CREATE TRIGGER lam_app_hook_for_good BEFORE UPDATE ON lam_app_hook
    FOR EACH ROW EXECUTE FUNCTION lam_app_schedule_for_good();

CREATE FUNCTION lam_app_hook_home(of_hook uuid)
RETURNS TABLE (organization uuid, salted text, at timestamptz) LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
    SELECT h.organization_id, h.salt, clock_timestamp()
    FROM (SELECT 1) always LEFT JOIN lam_app_hook h ON h.id = of_hook AND h.ended_at IS NULL
$$;
"""

RIGHTS = """
GRANT SELECT, INSERT, UPDATE (next_at, paused_at, paused_because, ended_at) ON lam_app_schedule TO countersign_web;
GRANT SELECT ON lam_app_schedule TO countersign_worker;
GRANT SELECT, INSERT, UPDATE (salt, ended_at) ON lam_app_hook TO countersign_web;
GRANT SELECT ON lam_app_hook TO countersign_worker;
REVOKE ALL ON FUNCTION lam_app_fire(uuid, uuid, timestamptz, integer), lam_app_hook_home(uuid),
    lam_app_schedule_for_good() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lam_app_fire(uuid, uuid, timestamptz, integer) TO countersign_worker;
GRANT EXECUTE ON FUNCTION lam_app_hook_home(uuid) TO countersign_web;
"""
UNDONE = """
DROP TRIGGER lam_app_schedule_for_good ON lam_app_schedule;
DROP TRIGGER lam_app_hook_for_good ON lam_app_hook;
DROP FUNCTION lam_app_fire(uuid, uuid, timestamptz, integer), lam_app_hook_home(uuid), lam_app_schedule_for_good();
"""


def _to(model: str, name: str = "+") -> models.ForeignKey:
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name=name, to=model)


def _run(name: str, **more: object) -> models.OneToOneField:
    return models.OneToOneField(
        on_delete=django.db.models.deletion.PROTECT, related_name=name, to="lam_app.run", **more
    )


def _id() -> models.UUIDField:
    return models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False)


def _created() -> models.DateTimeField:
    return models.DateTimeField(db_default=django.db.models.functions.datetime.Now())


class Migration(migrations.Migration):
    """Four tables, what looks them over, and the function that gives a schedule's goal."""

    dependencies: ClassVar = [
        ("lam_app", "0009_inputs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Schedule",
            fields=[
                ("id", _id()),
                ("organization", _to("accounts.organization")),
                ("person", _to(settings.AUTH_USER_MODEL)),
                ("goal", models.TextField()),
                ("cron", models.CharField(max_length=100)),
                ("time_zone", models.CharField(max_length=64)),
                ("next_at", models.DateTimeField()),
                ("paused_at", models.DateTimeField(null=True)),
                ("paused_because", models.TextField(blank=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("created", _created()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("goal", ""), _negated=True), name="schedule_has_a_goal"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("paused_at__isnull", True), ("paused_because", "")),
                            models.Q(
                                ("paused_at__isnull", False), models.Q(("paused_because", ""), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="schedule_paused_for_a_reason",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("ended_at__isnull", True), ("paused_at__isnull", True)),
                        fields=["next_at"],
                        name="schedule_due",
                    ),
                    models.Index(fields=["organization", "-id"], name="schedule_list"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Firing",
            fields=[
                ("id", _id()),
                ("organization", _to("accounts.organization")),
                ("schedule", _to("lam_app.schedule", "firings")),
                ("due_at", models.DateTimeField()),
                ("missed", models.IntegerField(default=0)),
                ("run", _run("firing", null=True)),
                ("skipped", models.TextField(blank=True)),
                ("created", _created()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("schedule", "due_at"), name="schedule_fires_once_a_time"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("run__isnull", False), ("skipped", "")),
                            models.Q(("run__isnull", True), models.Q(("skipped", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="firing_became_a_run_or_says_why_not",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Hook",
            fields=[
                ("id", _id()),
                ("organization", _to("accounts.organization")),
                ("person", _to(settings.AUTH_USER_MODEL)),
                ("name", models.CharField(max_length=60)),
                ("goal", models.TextField()),
                ("salt", models.CharField(max_length=32)),
                ("ended_at", models.DateTimeField(null=True)),
                ("created", _created()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("goal", ""), _negated=True), name="hook_has_a_goal"),
                    models.CheckConstraint(condition=models.Q(("salt", ""), _negated=True), name="hook_has_a_salt"),
                ],
                "indexes": [models.Index(fields=["organization", "-id"], name="hook_list")],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", _id()),
                ("organization", _to("accounts.organization")),
                ("hook", _to("lam_app.hook", "deliveries")),
                ("message", models.CharField(max_length=128)),
                ("run", _run("delivery")),
                ("created", _created()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("hook", "message"), name="message_once_a_hook")],
                "indexes": [models.Index(fields=["hook", "created"], name="delivery_rate")],
            },
        ),
        run(FIRE, UNDONE),
        run(kept("lam_app_schedule", ["next_at", "paused_at", "paused_because", "ended_at"])),
        run(append_only("lam_app_firing")),
        run(kept("lam_app_hook", ["salt", "ended_at"])),
        run(append_only("lam_app_delivery")),
        *(run(own_rows(f"lam_app_{t}"), all_rows(f"lam_app_{t}")) for t in ("schedule", "firing", "hook", "delivery")),
        run(grant("lam_app_firing", web="SELECT", worker="SELECT")),
        run(grant("lam_app_delivery", web="SELECT, INSERT", worker="SELECT")),
        run(RIGHTS),
    ]
