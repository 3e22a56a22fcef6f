"""Measure the pages of the memory with very many rows: the log, the story of a run, the search for model calls.

A fresh cluster with fsync on is filled by set-based SQL: ``EVENTS`` events over runs of two steps each, with their
details, actions, revisions and model calls with prompts of their own beside the shared ones. A word in a thousand calls
is rare, one in ten calls is not, one in every call is common. Then a process that is set up as the web is asks the real
views through Django's test client, as the web account and under row security. Times are the server's, from the
request's arrival to the finished answer; beside them stands the processor time that one request took of this process
and the database's together. The last line is one JSON object in milliseconds. ``EVENTS=5000000`` needs some 12 GB.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

EVENTS = int(os.environ.get("EVENTS", "200000"))
TIMES = int(os.environ.get("N", "100"))
BATCH = 50_000
A_RUN = 20
"""Events of one run: its own, and those of two steps."""
GOAL = 300.0
"""Milliseconds that 95 of 100 requests may take at most."""


def main() -> None:
    """Fill, then measure in a process of the web's kind."""
    from tests.support.services import services

    with services(durable=True) as found:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "lam_app.settings",
            "LAM_HOME": str(found.home),
            "LAM_ROLE": "owner",
            "DATABASE_URL": found.owner,
            "COUNTERSIGN_TEST_ADMIN": found.admin,
            "REDIS_URL": found.redis,
            "SECRET_KEY": "a bench's own, and nobody else's: thrown away with its cluster",
        }
        filled = _filled(found.admin)
        web = {**os.environ, "LAM_ROLE": "web", "DATABASE_URL": found.web}
        subprocess.run([sys.executable, "-m", "tests.bench.memory", "measure", json.dumps(filled)], env=web, check=True)


def _filled(admin_url: str) -> dict[str, Any]:
    """The rows, how long they took, and how large they are."""
    import django

    django.setup()
    import psycopg
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    from tests.support.calling import called
    from tests.support.world import make_world

    began = time.monotonic()
    world = make_world()
    run = world.run()
    call = called(world, run)
    action = world.staged(run=run.pk, trace=call)
    name = str(connection.settings_dict["NAME"])
    runs = max(EVENTS // A_RUN, 1)
    with psycopg.connect(admin_url, dbname=name) as admin:
        admin.execute("SET session_replication_role = replica")
        like = {"run": run.pk, "action": action.pk, "call": call, "organization": world.organization.pk}
        for start in range(0, runs, BATCH):
            _some(admin, like, start, min(BATCH, runs - start))
            admin.commit()
        admin.autocommit = True
        admin.execute("VACUUM (ANALYZE)")
        rows = {
            table: admin.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("traces_event", "traces_trace", "traces_promptpart", "lam_app_run")
        }
        size = admin.execute("SELECT pg_database_size(current_database())").fetchone()
    assert size is not None
    return {**rows, "filled_s": round(time.monotonic() - began), "database_bytes": size[0]}


_IDS = """
CREATE TEMP TABLE fresh ON COMMIT DROP AS
SELECT n, step, uuidv7(make_interval(secs => (%(start)s + n - %(all)s) / 10.0 - 3600)) AS run,
       uuidv7(make_interval(secs => (%(start)s + n - %(all)s) / 10.0 - 3599)) AS action,
       uuidv7(make_interval(secs => (%(start)s + n - %(all)s) / 10.0 - 3599)) AS call,
       uuidv7(make_interval(secs => (%(start)s + n - %(all)s) / 10.0 - 3599)) AS part,
       'The goal: order ' || (%(start)s + n) || ' is delayed until Friday'
           || CASE WHEN n %% 10 = 3 THEN ' and the saffron is missing' ELSE '' END
           || CASE WHEN n %% 1000 = 7 THEN ' said the zyzzyva' ELSE '' END AS goal
FROM generate_series(1, %(many)s) n CROSS JOIN generate_series(1, 2) step
"""


def _some(admin: Any, like: dict[str, Any], start: int, many: int) -> None:
    """So many runs like the one that was walked, two steps each, in ids that ascend with time as real ones do."""
    admin.execute(_IDS, {"start": start, "many": many, "all": EVENTS // A_RUN})
    admin.execute("UPDATE fresh SET run = first.run FROM (SELECT n, run FROM fresh WHERE step = 1) first"
                  " WHERE first.n = fresh.n")  # fmt: skip
    _copied(admin, "lam_app_run", like["run"], "fresh.step = 1", id="fresh.run", goal="fresh.goal", client_key="NULL")
    _copied(admin, "approvals_action", like["action"], "true", id="fresh.action", run="fresh.run", step="fresh.step",
            trace="fresh.call", status="(ARRAY['done','rejected','failed'])[1 + fresh.n %% 3]")  # fmt: skip
    admin.execute(
        "INSERT INTO traces_promptpart (id, organization, sha256, content, created, words)"
        " SELECT part, %(organization)s, sha256(part::text::bytea), goal, now(), traces_words_of(goal) FROM fresh", like
    )  # fmt: skip
    _copied(admin, "traces_trace", like["call"], "true", id="fresh.call", run="fresh.run", step="fresh.step",
            parts="row.parts[1:2] || fresh.part", roles="row.roles[1:2] || 'user'::varchar",
            chosen="CASE WHEN fresh.n %% 500 = 1 THEN 'write_note' ELSE 'send_message' END",
            error="CASE WHEN fresh.n %% 200 = 9 THEN 'malformed' ELSE '' END",
            words="row.words")  # fmt: skip
    admin.execute(
        "INSERT INTO approvals_revision SELECT (jsonb_populate_record(NULL::approvals_revision, to_jsonb(row)"
        " || jsonb_build_object('id', gen_random_uuid(), 'action_id', fresh.action))).*"
        " FROM approvals_revision row, fresh WHERE row.action_id = %(action)s AND row.number = 1", like
    )  # fmt: skip
    for table, column in (("traces_event", "id"), ("traces_eventdetail", "event")):
        admin.execute(
            f"INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, to_jsonb(row) || jsonb_build_object("
            f"'{column}', overlay(fresh.call::text placing lpad(to_hex(k), 4, '0') from 33))"
            + (" || jsonb_build_object('run', fresh.run, 'subject', fresh.action)" if column == "id" else "")
            + f")).* FROM fresh, generate_series(1, {A_RUN // 2}) k, LATERAL (SELECT * FROM {table} WHERE {column} = ("
            " SELECT id FROM traces_event WHERE subject = %(action)s ORDER BY id LIMIT 1)) row",
            like,
        )


def _copied(admin: Any, table: str, row: Any, those: str, **changes: str) -> None:
    """Copies of one row, with these expressions over ``fresh`` and ``row`` in place of its values."""
    columns = [
        name
        for (name,) in admin.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND table_schema = 'public'"
            " ORDER BY ordinal_position", [table]
        )
    ]  # fmt: skip
    values = ", ".join(changes.get(name, f"row.{name}") for name in columns)
    admin.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} row, fresh"
        f" WHERE row.id = %s AND {those}", [row]
    )  # fmt: skip


def measure(filled: dict[str, Any]) -> None:
    """Ask the views, and print what it took."""
    import django

    django.setup()
    from django.conf import settings
    from django.test import Client

    from tests.bench.desk import WARM, _processor, _timed

    settings.ALLOWED_HOSTS = ["testserver"]
    from accounts.models import User
    from accounts.rows import within
    from lam_app.models import Run

    client = Client()
    auditor = User.objects.get(username="auditor")
    client.force_login(auditor, backend="allauth.account.auth_backends.AuthenticationBackend")
    organization = Run.organization.field.related_model.objects.get(slug="demo").pk
    with within(organization):
        newest = Run.objects.within(organization)[100]
        oldest = Run.objects.filter(organization=organization).order_by("id")[100]
    asked = {
        "log": "/audit/",
        "log_of_a_run": f"/audit/?about={oldest.pk}",
        "story_newest": f"/audit/runs/{newest.pk}/",
        "story_oldest": f"/audit/runs/{oldest.pk}/",
        "calls": "/audit/traces/",
        "calls_of_a_tool": "/audit/traces/?tool=write_note",
        "calls_without_answer": "/audit/traces/?outcome=no_answer",
        "calls_rejected": "/audit/traces/?outcome=rejected",
        "calls_halted": "/audit/traces/?outcome=halted",
        "words_common": "/audit/traces/?words=delayed",
        "words_some": "/audit/traces/?words=saffron",
        "words_rare": "/audit/traces/?words=zyzzyva",
        "words_of_one": f"/audit/traces/?words={filled['lam_app_run'] // 2}",
        "words_nowhere": "/audit/traces/?words=nobodyeversaidthis",
        "words_and_tool": "/audit/traces/?words=saffron&tool=write_note",
    }
    load, figures = os.getloadavg()[0], {}
    for name, address in asked.items():
        used = _processor()
        figures[name] = _timed(lambda address=address: _page(client, address), TIMES)
        filled[f"{name}_processor_ms"] = round((_processor() - used) * 1000 / (TIMES + WARM), 1)
        print(f"{name:22} p50 {figures[name][0]:7.1f} ms   p95 {figures[name][1]:7.1f} ms", flush=True)
    flat = {f"{name}_p95_ms": most for name, (_, most) in figures.items()}
    missed = sorted(name for name, (_, most) in figures.items() if most > GOAL)
    loads = [round(load, 1), round(os.getloadavg()[0], 1)]
    print(json.dumps({**filled, **flat, "missed": missed, "times": TIMES, "load": loads}))


def _page(client: Any, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code, answer.content[:300])


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(json.loads(sys.argv[2]))
    else:
        main()
