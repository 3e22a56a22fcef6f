"""Measure the administrator's pages with many tools and teams: catalogue, matrix, a tool's page, its six questions.

A fresh cluster with fsync on is filled with ``TOOLS`` tools of the contracts that are installed, ``TEAMS`` teams of
five people each that hold rights on them, and ``ACTIONS`` settled calls. Then a process that is set up as the web is
asks the real views through Django's test client, as the web account and under row security. Times are the server's,
from the request's arrival to the finished answer. The last line is one JSON object in milliseconds, with the queries of
each.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

TOOLS = int(os.environ.get("TOOLS", "1000"))
TEAMS = int(os.environ.get("TEAMS", "50"))
ACTIONS = int(os.environ.get("ACTIONS", "100000"))
TIMES = int(os.environ.get("N", "60"))
RIGHTS_EACH = 3
"""Teams that hold a right on each tool, beside those that every tool begins with."""


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
        tool = _filled(found.admin)
        web = {**os.environ, "LAM_ROLE": "web", "DATABASE_URL": found.web}
        subprocess.run([sys.executable, "-m", "tests.bench.govern", "measure", tool], env=web, check=True)


def _filled(admin_url: str) -> str:
    """The rows; the id of a tool in their midst."""
    import django

    django.setup()
    import psycopg
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    from tests.support.many import copies
    from tests.support.world import make_world
    from tools.models import Tool

    world = make_world()
    action = world.staged()
    _tools(world)
    _teams(world)
    ids = list(Tool.objects.filter(organization=world.organization).order_by("name").values_list("pk", flat=True))
    with psycopg.connect(admin_url, dbname=str(connection.settings_dict["NAME"])) as admin:
        admin.execute("SET session_replication_role = replica")
        listed = ",".join(map(str, ids))
        spread = {
            "tool_id": f"('{{{listed}}}'::uuid[])[1 + n %% {len(ids)}]",
            "status": "(ARRAY['done','done','done','rejected','failed'])[1 + n %% 5]",
            "settled_at": "clock_timestamp()",
        }
        copies(admin, action.pk, ACTIONS, fresh="uuidv7()", revisions=False, **spread)
        admin.commit()
        admin.autocommit = True
        admin.execute("VACUUM (ANALYZE) approvals_action")
        admin.execute("ANALYZE")
    return str(ids[len(ids) // 2])


def _tools(world: Any) -> None:
    """Tools of the installed contracts under other names, each with an owner, half of them by themselves."""
    from accounts.models import User
    from tools.models import Tool, ToolVersion
    from tools.registry import contracts

    owner = User.objects.get(username="administrator")
    versions = {
        v.tool.name: v for v in ToolVersion.objects.filter(organization=world.organization).select_related("tool")
    }
    known = [versions[contract.name] for contract in contracts()]
    Tool.objects.bulk_create(
        Tool(
            organization=world.organization,
            name=f"tool_{n:04}.{known[n % len(known)].tool.name}",
            tier=known[n % len(known)].tool.tier,
            maturity=("in_the_loop", "audit_only")[n % 2],
            version=known[n % len(known)],
            owner=owner,
        )
        for n in range(TOOLS)
    )


def _teams(world: Any) -> None:
    """Teams of five, each with rights on some tools."""
    from django.contrib.auth.models import Group, Permission

    from accounts.models import Membership, Team, User
    from tools.models import Tool, ToolGroupObjectPermission
    from tools.offering import grant_defaults

    tools = list(Tool.objects.filter(organization=world.organization))
    grant_defaults(Team.objects.filter(organization=world.organization), tools)
    permissions = list(Permission.objects.filter(content_type__app_label="tools", codename__endswith="_tool"))
    teams = []
    for n in range(TEAMS):
        group = Group.objects.create(name=f"demo/team-{n:02}")
        teams.append(Team.objects.create(organization=world.organization, group=group, name=f"team-{n:02}"))
        for m in range(5):
            user = User.objects.create(username=f"person-{n:02}-{m}")
            Membership.objects.create(organization=world.organization, user=user, roles=["reviewer"], tier="read")
            user.groups.add(group)
    ToolGroupObjectPermission.objects.bulk_create(
        ToolGroupObjectPermission(
            group_id=teams[(n + m) % TEAMS].group_id,
            permission=permissions[(n + m) % len(permissions)],
            content_object=tool,
        )
        for n, tool in enumerate(tools)
        for m in range(RIGHTS_EACH)
    )


def measure(tool: str) -> None:
    """Ask the views, and print what it took."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.test import Client

    settings.ALLOWED_HOSTS = ["testserver"]
    from accounts.models import User

    client = Client()
    administrator = User.objects.get(username="administrator")
    client.force_login(administrator, backend="allauth.account.auth_backends.AuthenticationBackend")
    asked = {
        "catalogue": "/tools/",
        "catalogue_deep": "/tools/?after=tool_0800",
        "catalogue_search": "/tools/?q=07&maturity=audit_only",
        "matrix": "/tools/matrix/",
        "matrix_deep": "/tools/matrix/?after=tool_0800&teams=30",
        "matrix_why": f"/tools/matrix/?tool={tool}",
        "tool": f"/tools/{tool}/",
        "six_questions": f"/tools/{tool}/readiness/",
        "agents": "/settings/agents/",
    }
    load = os.getloadavg()[0]
    figures: dict[str, Any] = {"tools": TOOLS, "teams": TEAMS, "actions": ACTIONS, "times": TIMES}
    for name, path in asked.items():
        for _ in range(3):
            assert client.get(path).status_code == 200, path
        seen: list[str] = []
        with connection.execute_wrapper(lambda run, sql, *rest, seen=seen: (seen.append(sql), run(sql, *rest))[1]):
            client.get(path)
        took = []
        busy = time.process_time()
        for _ in range(TIMES):
            began = time.perf_counter()
            client.get(path)
            took.append((time.perf_counter() - began) * 1000)
        busy = (time.process_time() - busy) * 1000 / TIMES
        p95 = sorted(took)[max(int(TIMES * 0.95) - 1, 0)]
        figures |= {f"{name}_p50_ms": round(statistics.median(took), 1), f"{name}_p95_ms": round(p95, 1)}
        figures |= {f"{name}_cpu_ms": round(busy, 1), f"{name}_queries": len(seen)}
        print(
            f"{name:18} p50 {statistics.median(took):7.1f}   p95 {p95:7.1f}   CPU {busy:6.1f} ms   {len(seen)} queries"
        )
    print(json.dumps({**figures, "load": [round(load, 1), round(os.getloadavg()[0], 1)]}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(sys.argv[2])
    else:
        main()
