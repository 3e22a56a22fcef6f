"""What auditors ask the sealer for: verifications, exports and evidence, and the files that come of it.

The web asks by a row, which begins as waiting and says nothing of an outcome; only the sealer's account writes what was
found. A file stands in pieces of its own, because the sealer and the web may run on different hosts; the pieces are
dropped after a while, and the row that says what was given to whom stays. How far the checkpoints have been told to an
address outside is one row for the whole installation.
"""

from typing import ClassVar

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import traces.ids
from traces.guards import all_rows, grant, kept, own_rows, run, status_edges, told

FOUND = ["state", "seen", "expected", "found", "problem", "size", "sha256", "worker", "touched_at", "finished_at"]
EDGES = [("waiting", "done"), ("waiting", "failed")]

# Processes delete no row themselves; the file of an inquiry is no part of the record, and what is said of it stays.
DROP_FILE = """
CREATE FUNCTION traces_drop_file(of_inquiry uuid) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $body$
DECLARE
    dropped integer;
BEGIN
    DELETE FROM traces_inquirypart WHERE inquiry_id = of_inquiry;
    GET DIAGNOSTICS dropped = ROW_COUNT;
    RETURN dropped;
END $body$;
REVOKE ALL ON FUNCTION traces_drop_file(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION traces_drop_file(uuid) TO countersign_worker;
"""

# An event's block is found by its transaction; a row's history by its subject.
BY_HORIZON = "CREATE INDEX traces_block_horizon ON traces_block (organization, chain, horizon);"


class Migration(migrations.Migration):
    """Three tables and an index."""

    dependencies: ClassVar = [("traces", "0007_trail")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Inquiry",
            fields=[
                ("id", models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("organization", models.UUIDField()),
                ("kind", models.CharField(max_length=10)),
                ("subject_kind", models.CharField(blank=True, max_length=10)),
                ("subject", models.UUIDField(null=True)),
                ("since", models.DateTimeField(null=True)),
                ("until", models.DateTimeField(null=True)),
                ("asked_by", models.UUIDField()),
                ("asked_name", models.CharField(max_length=150)),
                ("asked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("state", models.CharField(default="waiting", max_length=8)),
                ("seen", models.BigIntegerField(default=0)),
                ("expected", models.BigIntegerField(default=0)),
                ("found", models.JSONField(default=dict)),
                ("problem", models.TextField(blank=True)),
                ("size", models.BigIntegerField(default=0)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("worker", models.UUIDField(null=True)),
                ("touched_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(kind__in=["verify", "export", "evidence"]), name="inquiry_kind_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(state__in=["waiting", "done", "failed"]), name="inquiry_state_known"
                    ),
                    models.CheckConstraint(
                        condition=~models.Q(state="waiting")
                        | models.Q(found={}, problem="", size=0, sha256="", finished_at__isnull=True),
                        name="inquiry_waiting_says_nothing",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(kind="evidence", subject__isnull=False, subject_kind__in=["action", "run"])
                        | (~models.Q(kind="evidence") & models.Q(subject__isnull=True, subject_kind="")),
                        name="inquiry_evidence_of_something",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["organization", "kind", "-id"], name="inquiry_list"),
                    models.Index(
                        fields=["subject", "-id"], condition=models.Q(subject__isnull=False), name="inquiry_of_subject"
                    ),
                    models.Index(fields=["id"], condition=models.Q(state="waiting"), name="inquiry_under_way"),
                ],
            },
        ),
        migrations.CreateModel(
            name="InquiryPart",
            fields=[
                ("id", models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("organization", models.UUIDField()),
                ("number", models.IntegerField()),
                ("data", models.BinaryField()),
                ("created", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "inquiry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="parts", to="traces.inquiry"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=["inquiry", "number"], name="part_once_an_inquiry")],
                "indexes": [models.Index(fields=["created"], name="part_age")],
            },
        ),
        migrations.CreateModel(
            name="Outlet",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("told", models.BigIntegerField(db_default=0)),
                ("behind", models.BigIntegerField(db_default=0)),
                ("attempts", models.IntegerField(db_default=0)),
                ("told_at", models.DateTimeField(null=True)),
                ("failing_since", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField(null=True)),
                ("problem", models.TextField(blank=True, db_default="")),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(id=1), name="outlet_once")],
            },
        ),
        run(BY_HORIZON, "DROP INDEX traces_block_horizon;"),
        run(kept("traces_inquiry", FOUND)),
        run(status_edges("traces_inquiry", "waiting", EDGES, column="state")),
        run(told("traces_inquiry", column="state")),
        run(own_rows("traces_inquiry", "organization"), all_rows("traces_inquiry")),
        run(own_rows("traces_inquirypart", "organization"), all_rows("traces_inquirypart")),
        run(grant("traces_inquiry", web="SELECT, INSERT", worker="SELECT")),
        run(f"GRANT UPDATE ({', '.join(FOUND)}) ON traces_inquiry TO countersign_worker;"),
        run(grant("traces_inquirypart", web="SELECT", worker="SELECT, INSERT")),
        run(DROP_FILE, "DROP FUNCTION traces_drop_file(uuid);"),
        run(grant("traces_outlet", web="SELECT", worker="SELECT, INSERT")),
        run(
            "GRANT UPDATE (told, behind, attempts, told_at, failing_since, due_at, problem) ON traces_outlet"
            " TO countersign_worker;"
        ),
    ]
