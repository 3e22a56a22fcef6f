"""Telling people: what they are to be told is written with the event itself, by the database.

``approvals_event_is_an_occasion`` fires for every event and looks closer at few. It runs as the owner, so that no
process can tell people of what did not happen: the web account may write an occasion only to try its own bell, and a
delivery only to try an address. The key and the address of a webhook are written by the web account and read by the
worker's alone.
"""

from typing import ClassVar

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import traces.ids
from traces.guards import all_rows, append_only, grant, kept, own_rows, run

# What waits for people or no longer does, what becomes of it, stops, and runs that ended or ask. Nobody is told that
# something was done about which nobody was asked.
OCCASIONS = """
CREATE FUNCTION approvals_event_is_an_occasion() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NEW.subject_kind = 'action' AND NEW.source = 'executing' AND NEW.target IN ('done', 'failed') AND EXISTS (
        SELECT 1 FROM approvals_action a WHERE a.id = NEW.subject AND a.verdict = 'allow') THEN
        RETURN NULL;
    END IF;
    INSERT INTO approvals_occasion (id, organization_id, kind, subject)
    VALUES (NEW.id, NEW.organization, 'event', NEW.subject);
    RETURN NULL;
END $guard$;
REVOKE ALL ON FUNCTION approvals_event_is_an_occasion() FROM PUBLIC;
CREATE TRIGGER approvals_event_is_an_occasion AFTER INSERT ON traces_event FOR EACH ROW WHEN (
    (NEW.subject_kind = 'action' AND (
        NEW.target IN ('in_review', 'scheduled', 'uncertain', 'done', 'failed', 'halted', 'expired')
        OR NEW.source IN ('in_review', 'scheduled', 'uncertain')
        OR NEW.verb IN ('escalated', 'unroutable', 'reassigned', 'asked', 'asked_team')))
    OR (NEW.subject_kind = 'run' AND NEW.target IN
        ('succeeded', 'failed', 'needs_input', 'needs_human', 'cancelled', 'halted', 'undone'))
    OR (NEW.subject_kind = 'stop' AND NEW.verb = 'stop_engaged'))
    EXECUTE FUNCTION approvals_event_is_an_occasion();
"""
NO_OCCASIONS = """
DROP TRIGGER approvals_event_is_an_occasion ON traces_event;
DROP FUNCTION approvals_event_is_an_occasion();
"""

TRIED = """
CREATE FUNCTION approvals_web_only_tries() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF current_user = 'countersign_web' AND NOT (CASE TG_TABLE_NAME
        WHEN 'approvals_occasion' THEN to_jsonb(NEW) ->> 'kind' = 'trial'
        ELSE to_jsonb(NEW) ->> 'trial' = 'true' AND to_jsonb(NEW) -> 'lines' = '[]'::jsonb END) THEN
        RAISE EXCEPTION '%: pages write no notices', TG_TABLE_NAME USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_web_only_tries BEFORE INSERT ON approvals_occasion
    FOR EACH ROW EXECUTE FUNCTION approvals_web_only_tries();
CREATE TRIGGER approvals_web_only_tries BEFORE INSERT ON approvals_delivery
    FOR EACH ROW EXECUTE FUNCTION approvals_web_only_tries();
"""
UNTRIED = """
DROP TRIGGER approvals_web_only_tries ON approvals_delivery;
DROP TRIGGER approvals_web_only_tries ON approvals_occasion;
DROP FUNCTION approvals_web_only_tries();
"""

DELIVERED = ["lines", "count", "state", "attempts", "problem", "due_at", "claimed_until", "settled_at"]
REACHED = ["reached_at", "fault", "problem", "failed_at"]
CHANGING = {
    "approvals_occasion": ["routed_at"],
    "approvals_notice": ["read_at", "over_at"],
    "approvals_noticeaddress": ["ended_at", *REACHED],
    "approvals_noticeroute": ["ended_at"],
    "approvals_delivery": DELIVERED,
}
RIGHTS = (
    ("approvals_occasion", "SELECT, INSERT", "SELECT, INSERT, UPDATE (routed_at)"),
    ("approvals_notice", "SELECT, UPDATE (read_at)", "SELECT, INSERT, UPDATE (over_at)"),
    ("approvals_noticeaddress", "SELECT, INSERT, UPDATE (ended_at)", f"SELECT, UPDATE ({', '.join(REACHED)})"),
    ("approvals_webhookkey", "INSERT", "SELECT"),
    ("approvals_noticeroute", "SELECT, INSERT, UPDATE (ended_at)", "SELECT"),
    ("approvals_delivery", "SELECT, INSERT", f"SELECT, INSERT, UPDATE ({', '.join(DELIVERED)})"),
)


def _to(model: str, **more: object) -> models.ForeignKey:
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=model, **more)


def _id() -> models.UUIDField:
    return models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False)


def _now() -> models.DateTimeField:
    return models.DateTimeField(db_default=django.db.models.functions.datetime.Now())


def _theirs(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=models.Q(person__isnull=True, team__isnull=False) | models.Q(person__isnull=False, team__isnull=True),
        name=name,
    )


class Migration(migrations.Migration):
    """Six tables, and the one trigger that fills the first."""

    dependencies: ClassVar = [
        ("accounts", "0003_standing"),
        ("tools", "0016_progress"),
        ("traces", "0005_blocks"),
        ("approvals", "0022_second_look"),
        ("approvals", "0025_canaries"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Occasion",
            fields=[
                ("id", _id()),
                (
                    "kind",
                    models.CharField(
                        choices=[("event", "Event"), ("expiring", "Expiring"), ("trial", "Trial")], max_length=10
                    ),
                ),
                ("subject", models.UUIDField()),
                ("mark", models.DateTimeField(null=True)),
                ("created", _now()),
                ("routed_at", models.DateTimeField(null=True)),
                ("organization", _to("accounts.organization", db_index=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["subject", "mark"], condition=models.Q(kind="expiring"), name="occasion_once_a_limit"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(kind__in=["event", "expiring", "trial"]), name="occasion_kind_known"
                    ),
                ],
                "indexes": [
                    models.Index(fields=["id"], condition=models.Q(routed_at__isnull=True), name="occasion_open"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", _id()),
                ("kind", models.CharField(max_length=20)),
                ("subject", models.UUIDField()),
                ("title", models.CharField(max_length=300)),
                ("risk", models.CharField(blank=True, max_length=8)),
                ("path", models.CharField(max_length=100)),
                ("aloud", models.BooleanField(default=True)),
                ("created", _now()),
                ("read_at", models.DateTimeField(null=True)),
                ("over_at", models.DateTimeField(null=True)),
                ("occasion", _to("approvals.occasion")),
                ("organization", _to("accounts.organization", db_index=False)),
                ("person", _to(settings.AUTH_USER_MODEL, db_index=False)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["occasion", "person", "kind"], name="notice_once_a_person"),
                ],
                "indexes": [
                    models.Index(fields=["person", "organization", "-id"], name="notice_list"),
                    models.Index(
                        fields=["person", "organization"],
                        condition=models.Q(read_at__isnull=True, over_at__isnull=True),
                        name="notice_unread",
                    ),
                    models.Index(fields=["subject"], condition=models.Q(over_at__isnull=True), name="notice_subject"),
                ],
            },
        ),
        migrations.CreateModel(
            name="NoticeAddress",
            fields=[
                ("id", _id()),
                ("channel", models.CharField(choices=[("mail", "mail"), ("webhook", "webhook")], max_length=8)),
                ("shown", models.CharField(max_length=254)),
                ("created", _now()),
                ("ended_at", models.DateTimeField(null=True)),
                ("reached_at", models.DateTimeField(null=True)),
                (
                    "fault",
                    models.CharField(
                        blank=True,
                        choices=[("", "None"), ("server", "Server"), ("address", "Address")],
                        default="",
                        max_length=8,
                    ),
                ),
                ("problem", models.CharField(blank=True, default="", max_length=300)),
                ("failed_at", models.DateTimeField(null=True)),
                ("made_by", _to(settings.AUTH_USER_MODEL)),
                ("organization", _to("accounts.organization")),
                ("person", _to(settings.AUTH_USER_MODEL, null=True)),
                ("team", _to("accounts.team", null=True)),
            ],
            options={
                "constraints": [
                    _theirs("address_of_a_person_or_a_team"),
                    models.CheckConstraint(
                        condition=models.Q(channel__in=["mail", "webhook"]), name="address_channel_known"
                    ),
                    models.UniqueConstraint(
                        fields=["organization", "person"],
                        condition=models.Q(channel="mail", ended_at__isnull=True, person__isnull=False),
                        name="one_mail_address_a_person",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookKey",
            fields=[
                (
                    "address",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="approvals.noticeaddress",
                    ),
                ),
                ("url", models.TextField()),
                ("key", models.CharField(max_length=100)),
                ("organization", _to("accounts.organization")),
            ],
        ),
        migrations.CreateModel(
            name="NoticeRoute",
            fields=[
                ("id", _id()),
                (
                    "channel",
                    models.CharField(
                        choices=[("browser", "Browser"), ("mail", "Mail"), ("webhook", "Webhook")], max_length=8
                    ),
                ),
                (
                    "risk",
                    models.CharField(choices=[("low", "low"), ("medium", "medium"), ("high", "high")], max_length=8),
                ),
                ("created", _now()),
                ("ended_at", models.DateTimeField(null=True)),
                ("address", _to("approvals.noticeaddress", null=True)),
                ("made_by", _to(settings.AUTH_USER_MODEL)),
                ("organization", _to("accounts.organization")),
                ("person", _to(settings.AUTH_USER_MODEL, null=True)),
                ("team", _to("accounts.team", null=True)),
                ("tool", _to("tools.tool", null=True)),
            ],
            options={
                "constraints": [
                    _theirs("route_of_a_person_or_a_team"),
                    models.CheckConstraint(
                        condition=models.Q(channel__in=["browser", "mail", "webhook"]), name="route_channel_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(risk__in=["low", "medium", "high"]), name="route_risk_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(channel="webhook", address__isnull=False)
                        | (~models.Q(channel="webhook") & models.Q(address__isnull=True)),
                        name="route_of_a_webhook_names_it",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", _id()),
                ("lines", models.JSONField(default=list)),
                ("count", models.IntegerField(default=0)),
                ("urgent", models.BooleanField(default=False)),
                ("trial", models.BooleanField(default=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("sent", "Sent"),
                            ("dropped", "Dropped"),
                            ("given_up", "Given Up"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                ("attempts", models.SmallIntegerField(default=0)),
                ("problem", models.CharField(blank=True, default="", max_length=300)),
                ("created", _now()),
                ("due_at", _now()),
                ("claimed_until", models.DateTimeField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                (
                    "address",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="approvals.noticeaddress",
                    ),
                ),
                ("organization", _to("accounts.organization", db_index=False)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(state__in=["waiting", "sent", "dropped", "given_up"]),
                        name="delivery_state_known",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["due_at", "id"], condition=models.Q(state="waiting"), name="delivery_due"),
                ],
            },
        ),
        *[run(kept(table, columns)) for table, columns in CHANGING.items()],
        run(append_only("approvals_webhookkey")),
        *[run(own_rows(table), all_rows(table)) for table, _, _ in RIGHTS],
        run("\n".join(grant(table, web=web, worker=worker) for table, web, worker in RIGHTS)),
        run(TRIED, UNTRIED),
        run(OCCASIONS, NO_OCCASIONS),
    ]
