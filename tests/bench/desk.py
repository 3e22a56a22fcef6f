"""Measure the desk with very many rows: the first page of the inbox, other pages of it, and a decision.

A fresh cluster with fsync on is filled by set-based SQL: ``OLD`` actions that are over and ``WAITING`` that wait, over
20 tools of which the reviewer may decide on 11. What waits has its revision; of what is over there is the action alone,
since nothing of the inbox or of a decision reads its other rows. Then a process that is set up as the web is asks the
real views through Django's test client, as the web account and under row security: forms, session, templates and all.
Times are the server's, from the request's arrival to the finished answer. The last line is one JSON object in
milliseconds. Beside them stands the processor time that one request took of
this process and the database's together, which on a machine that is shared says more. ``OLD=10000000`` needs 12 GB of
disk and some minutes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

OLD = int(os.environ.get("OLD", "1000000"))
WAITING = int(os.environ.get("WAITING", "100000"))
TIMES = int(os.environ.get("N", "200"))
BATCH = 500_000
WARM = 5
TOOLS, OTHERS = 10, 10
"""Tools that the reviewer may decide on, beside the demo's own, and tools that others decide on."""
ASKED = {
    "first_page": "",
    "unclaimed": "lane=unclaimed",
    "leaving_soon": "lane=soon",
    "second_vote": "lane=second",
    "one_tool": "tool=tool_3",
    "high_risk": "risk=high",
    "nobody_of_that_name": "initiator=nobody",
}


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
        subprocess.run([sys.executable, "-m", "tests.bench.desk", "measure", json.dumps(filled)], env=web, check=True)


def _filled(admin_url: str) -> dict[str, Any]:
    """The rows, and how long they took."""
    import django

    django.setup()
    import psycopg
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    from tests.support.world import make_world

    began = time.monotonic()
    world = make_world()
    for n in range(TOOLS + OTHERS):
        _tool(world, f"tool_{n}", reviewed=n < TOOLS)
    action = world.staged()
    name = str(connection.settings_dict["NAME"])
    with psycopg.connect(admin_url, dbname=name) as admin:
        admin.execute("SET session_replication_role = replica")
        tools = (
            f"(SELECT array_agg(id ORDER BY name) FROM tools_tool WHERE organization_id = '{world.organization.pk}')"
        )
        row = admin.execute(f"SELECT array_length({tools}, 1), {tools}::text[]").fetchone()  # type: ignore[arg-type]
        assert row is not None
        spread = {"tool_id": f"('{{{','.join(row[1])}}}'::uuid[])[1 + n %% {row[0]}]"}
        _old(admin, action.pk, spread)
        _waiting(admin, action.pk, spread)
        admin.commit()
        admin.autocommit = True
        admin.execute("VACUUM (ANALYZE) approvals_action")
        admin.execute("ANALYZE")
        sizes = admin.execute("SELECT pg_total_relation_size('approvals_action')").fetchone()
    assert sizes is not None
    return {"old": OLD, "waiting": WAITING, "filled_s": round(time.monotonic() - began), "actions_bytes": sizes[0]}


def _tool(world: Any, name: str, *, reviewed: bool) -> None:
    """One more tool that says of itself what the message tool says."""
    from django.contrib.auth.models import Permission

    from tools.models import Tool, ToolGroupObjectPermission

    tool = world.tool()
    permission = Permission.objects.get(codename="review_tool", content_type__app_label="tools")
    granted = list(ToolGroupObjectPermission.objects.filter(content_object=tool, permission=permission))
    made = Tool.objects.create(
        organization=world.organization, name=name, tier=tool.tier, maturity=tool.maturity, version=tool.version
    )
    for one in granted if reviewed else ():
        ToolGroupObjectPermission.objects.create(content_object=made, permission=permission, group=one.group)


def _old(admin: Any, action: Any, spread: dict[str, str]) -> None:
    """What is over, in ids that ascend with time as real ones do."""
    from tests.support.many import copies

    done = {
        **spread,
        "status": "(ARRAY['done','done','done','rejected','expired','failed'])[1 + n %% 6]",
        "created": "clock_timestamp() - make_interval(mins => 60 + n::int %% 500000)",
        "settled_at": "clock_timestamp() - interval '1 hour'",
    }
    for start in range(0, OLD, BATCH):
        fresh = f"uuidv7(make_interval(secs => {(start - OLD) // 10} - 3600))"
        copies(admin, action, min(BATCH, OLD - start), fresh=fresh, revisions=False, **done)
        admin.commit()


def _waiting(admin: Any, action: Any, spread: dict[str, str]) -> None:
    """What waits: of every risk, a hundredth of it about to run out, some of it for two people."""
    from tests.support.many import copies

    copies(
        admin,
        action,
        WAITING,
        fresh="uuidv7()",
        **spread,
        risk="(ARRAY['low','medium','low','medium','high'])[1 + n %% 5]",
        quorum="CASE WHEN n %% 10 = 0 THEN 2 ELSE 1 END",
        created="clock_timestamp() - make_interval(secs => n %% 7200)",
        expires_at="clock_timestamp() + CASE WHEN n %% 100 = 7 THEN interval '9 minutes' ELSE interval '9 hours' END",
    )


def measure(filled: dict[str, Any]) -> None:
    """Ask the views, and print what it took."""
    import django

    django.setup()
    from django.conf import settings
    from django.test import Client

    settings.ALLOWED_HOSTS = ["testserver"]
    from accounts.models import User
    from lam_app.serving import settle

    client = Client()
    reviewer = User.objects.get(username="reviewer")
    client.force_login(reviewer, backend="allauth.account.auth_backends.AuthenticationBackend")
    load = os.getloadavg()[0]
    figures = {}
    _page(client, "")
    settle()  # as the web process does when it has started
    for name, query in ASKED.items():
        used = _processor()
        figures[name] = _timed(lambda query=query: _page(client, query), TIMES)
        filled[f"{name}_processor_ms"] = round((_processor() - used) * 1000 / (TIMES + WARM), 1)
    walk = _walked(client)
    figures["next_page"] = _timed(lambda: _page(client, next(walk)), min(TIMES, 50))
    waits = _decidable(client)
    found = [next(waits) for _ in range(TIMES + WARM)]
    used = _processor()
    figures["decision"] = _timed(lambda: _decide(client, *found.pop()), TIMES)
    filled["decision_processor_ms"] = round((_processor() - used) * 1000 / (TIMES + WARM), 1)
    for name, (middle, most) in figures.items():
        print(f"{name:20} p50 {middle:7.1f} ms   p95 {most:7.1f} ms")
    flat = {
        f"{name}_{which}_ms": value
        for name, pair in figures.items()
        for which, value in zip(("p50", "p95"), pair, strict=True)
    }
    print(json.dumps({**filled, **flat, "times": TIMES, "load": [round(load, 1), round(os.getloadavg()[0], 1)]}))


def _timed(work: Callable[[], Any], times: int) -> tuple[float, float]:
    """Median and 95th percentile, after a few that do not count."""
    for _ in range(WARM):
        work()
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(took), 1), round(sorted(took)[max(int(len(took) * 0.95) - 1, 0)], 1)


def _processor() -> float:
    """Seconds of processor time that this process and all of the database's have used so far."""
    import psutil
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = psutil.Process(cursor.fetchone()[0])
    server = backend.parent()
    assert server is not None
    used = [process.cpu_times() for process in (psutil.Process(), server, *server.children())]
    return float(sum(times.user + times.system for times in used))


def _page(client: Any, query: str) -> str:
    answer = client.get(f"/?{query}" if query else "/")
    assert answer.status_code == 200, answer.status_code
    return str(answer.content.decode())


def _walked(client: Any) -> Iterator[str]:
    """Addresses of one page after the other."""
    from tests.support.many import next_of

    query = ""
    while True:
        query = next_of(_page(client, query))
        yield query


def _decidable(client: Any) -> Iterator[tuple[Any, str]]:
    """What the reviewer may decide on without a fresh password, from the top of the list, not asked for twice."""
    from accounts.rows import within
    from approvals.models import Action
    from tests.support.many import next_of, rows_of

    query = "risk=medium"
    while True:
        text = _page(client, query)
        query = next_of(text)
        with within(Action.organization.field.related_model.objects.get(slug="demo").pk):
            found = list(Action.objects.filter(pk__in=rows_of(text)).values_list("id", "digest"))
        yield from found


def _decide(client: Any, action: Any, digest: str) -> None:
    answer = client.post(f"/actions/{action}/decide/", {"decision": "approve", "digest": digest})
    assert answer.status_code == 302, (answer.status_code, answer.content[:300])


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(json.loads(sys.argv[2]))
    else:
        main()
