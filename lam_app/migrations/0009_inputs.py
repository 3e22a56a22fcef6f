"""What is attached to goals: bytes once an organization and digest, written once, seen by their organization alone.

The database keeps the digest honest: content whose bytes are not those of its digest, or not of its size, is refused.
"""

from typing import ClassVar

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import traces.ids
from traces.guards import all_rows, append_only, grant, own_rows, run

BORN = """
CREATE FUNCTION lam_app_content_born() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NEW.sha256 <> encode(sha256(NEW.data), 'hex') OR NEW.size <> octet_length(NEW.data) THEN
        RAISE EXCEPTION 'lam_app_content: the bytes are not those of the digest' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER lam_app_content_born BEFORE INSERT ON lam_app_content
    FOR EACH ROW EXECUTE FUNCTION lam_app_content_born();

CREATE FUNCTION lam_app_attachment_born() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM lam_app_content c JOIN lam_app_run r ON r.organization_id = c.organization_id
        WHERE c.id = NEW.content_id AND r.id = NEW.run_id AND r.organization_id = NEW.organization_id
          AND r.status = 'submitted' AND r.step = 0) THEN
        RAISE EXCEPTION 'lam_app_attachment: it comes with its goal, and is of the same organization'
            USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER lam_app_attachment_born BEFORE INSERT ON lam_app_attachment
    FOR EACH ROW EXECUTE FUNCTION lam_app_attachment_born();
"""


def _to(model: str, name: str = "+") -> models.ForeignKey:
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name=name, to=model)


def _id() -> models.UUIDField:
    return models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False)


def _created() -> models.DateTimeField:
    return models.DateTimeField(db_default=django.db.models.functions.datetime.Now())


class Migration(migrations.Migration):
    """Two tables, their triggers, their rights."""

    dependencies: ClassVar = [("lam_app", "0008_plan")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Content",
            fields=[
                ("id", _id()),
                ("organization", _to("accounts.organization")),
                ("sha256", models.CharField(max_length=64)),
                (
                    "kind",
                    models.CharField(
                        choices=[("text", "Text"), ("csv", "Csv"), ("pdf", "Pdf"), ("image", "Image")], max_length=5
                    ),
                ),
                ("media", models.CharField(max_length=40)),
                ("size", models.IntegerField()),
                ("text", models.TextField(blank=True)),
                ("notes", models.JSONField(default=list)),
                ("data", models.BinaryField()),
                ("created", _created()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "sha256"), include=("size",), name="content_once_an_organization"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["text", "csv", "pdf", "image"])), name="content_kind_known"
                    ),
                    models.CheckConstraint(condition=models.Q(("size__gte", 1)), name="content_is_not_empty"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Attachment",
            fields=[
                ("id", _id()),
                ("organization", _to("accounts.organization")),
                ("run", _to("lam_app.run", "attachments")),
                ("number", models.IntegerField()),
                ("name", models.CharField(max_length=120)),
                ("content", _to("lam_app.content")),
                ("created", _created()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("run", "number"), name="attachment_number_once_a_run"),
                    models.CheckConstraint(
                        condition=models.Q(("name", ""), _negated=True), name="attachment_has_a_name"
                    ),
                ],
            },
        ),
        run(BORN),
        run("ALTER TABLE lam_app_content ALTER COLUMN data SET STORAGE EXTERNAL"),  # files are compressed already
        run(append_only("lam_app_content")),
        run(append_only("lam_app_attachment")),
        run(own_rows("lam_app_content"), all_rows("lam_app_content")),
        run(own_rows("lam_app_attachment"), all_rows("lam_app_attachment")),
        run(grant("lam_app_content", web="SELECT, INSERT", worker="SELECT")),
        run(grant("lam_app_attachment", web="SELECT, INSERT", worker="SELECT")),
    ]
