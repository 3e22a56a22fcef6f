"""Who is away until when, and who stands in: rows that are told of, and that give nobody a right."""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now

from traces.guards import all_rows, grant, kept, own_rows, run
from traces.ids import uuid7

AWAY = """
CREATE FUNCTION accounts_absence_judged() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NEW.until <= clock_timestamp() OR NEW.until > clock_timestamp() + interval '90 days 1 minute' THEN
        RAISE EXCEPTION 'accounts_absence: somebody is away for a while, ninety days at most' USING ERRCODE = 'CS001';
    END IF;
    IF (SELECT count(*) FROM accounts_membership m
        WHERE m.organization_id = NEW.organization_id AND m.user_id IN (NEW.person_id, NEW.stand_in_id))
        <> (CASE WHEN NEW.stand_in_id IS NULL THEN 1 ELSE 2 END) THEN
        RAISE EXCEPTION 'accounts_absence: somebody of another organization' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER accounts_absence_judged BEFORE INSERT ON accounts_absence
    FOR EACH ROW EXECUTE FUNCTION accounts_absence_judged();

CREATE FUNCTION accounts_absence_told() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM traces_event e
        WHERE e.subject = NEW.id AND e.verb = CASE TG_OP WHEN 'INSERT' THEN 'away' ELSE 'back' END
          AND e.transaction = pg_current_xact_id()::text::bigint) THEN
        RAISE EXCEPTION 'accounts_absence: no event tells of %', NEW.id USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER accounts_absence_told AFTER INSERT OR UPDATE ON accounts_absence
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION accounts_absence_told();
"""


def _to(model: str, **more: object) -> models.ForeignKey:
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, **{"related_name": "+", **more}, to=model)


class Migration(migrations.Migration):
    """One table."""

    dependencies: ClassVar = [("accounts", "0004_settings"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Absence",
            fields=[
                ("id", models.UUIDField(default=uuid7, editable=False, primary_key=True, serialize=False)),
                ("organization", _to("accounts.organization")),
                ("person", _to(settings.AUTH_USER_MODEL, related_name="absences")),
                ("stand_in", _to(settings.AUTH_USER_MODEL, null=True)),
                ("until", models.DateTimeField()),
                ("created", models.DateTimeField(db_default=Now())),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["organization", "person"],
                        condition=models.Q(ended_at__isnull=True),
                        name="one_absence_a_person",
                    ),
                    models.CheckConstraint(
                        condition=~models.Q(stand_in=models.F("person")), name="absence_stand_in_is_another"
                    ),
                ],
            },
        ),
        run(AWAY),
        run(kept("accounts_absence", ["ended_at"])),
        run(own_rows("accounts_absence"), all_rows("accounts_absence")),
        run(grant("accounts_absence", web="SELECT, INSERT, UPDATE (ended_at)", worker="SELECT")),
    ]
