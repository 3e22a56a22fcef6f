"""What the seal costs and how fast it is verified: ``python -m tests.bench.sealing``; ``N=`` events (default 200,000).

The last line is one JSON object. Rates are events a second; ``writers_share`` is what two writers manage beside a
sealer, in parts of what they manage alone, in turns of one sitting.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.support.up import Up

N = int(os.environ.get("N", "200000"))
SECONDS = float(os.environ.get("SECONDS_EACH", "4"))
ROUNDS = int(os.environ.get("ROUNDS", "6"))
STANDALONE = Path(__file__).parents[2] / "deploy" / "verify_export.py"
FILL = """
WITH made AS (
    SELECT gen_random_uuid() AS id, decode(md5(n::text), 'hex') AS salt,
        '{"digest":"sha256:' || repeat('a', 64) || '","number":' || n || ',"tool":"send_message"}' AS detail, n
    FROM generate_series(1, %(count)s) n
), told AS (
    INSERT INTO traces_event (id, organization, actor_kind, actor_name, verb, subject_kind, subject, source, target,
        reason, run, transaction, digest)
    SELECT id, %(organization)s, 'system', 'bench', 'ruled', 'action', gen_random_uuid(), 'proposed', 'in_review',
        'In the loop: a person approves each call.', gen_random_uuid(), 0, sha256(salt || convert_to(detail, 'UTF8'))
    FROM made
)
INSERT INTO traces_eventdetail (event, organization, salt, detail) SELECT id, %(organization)s, salt, detail FROM made
"""
WRITER = "import sys; from tests.bench.sealing import write; write(float(sys.argv[1]), sys.argv[2])"
SEALER = "from tests.bench.sealing import keep_sealing; keep_sealing()"


def ready() -> None:
    """Django, as whoever the environment says."""
    import django

    django.setup()


def write(seconds: float, organization: str) -> None:
    """Write events one transaction each; prints how many were committed."""
    ready()
    import uuid

    from traces.services import Actor, Entry, record

    entry = Entry(uuid.UUID(organization), Actor.system("bench"), "noted", "action", uuid.uuid4(), detail={"n": 1})
    record(entry)
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        record(entry)
        count += 1
    print(count)


def keep_sealing() -> None:
    """Seal every second until killed, as the sealer does."""
    ready()
    from django.conf import settings

    from lam_app import sealing

    os.nice(5)
    sealing.forever(settings.LAM_SEAL_KEY, settings.LAM_SEAL_PUBLIC_KEY, settings.LAM_CHECKPOINTS, 1, lambda: False)


def main() -> None:
    """Fill, seal, verify in three ways, then writers with and without a sealer."""
    with Up("--demo", LAM_DEMO="people") as up:
        services = json.loads((up.home / "run" / "services.json").read_text())
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "lam_app.settings",
            "LAM_HOME": str(up.home),
            "LAM_ROLE": "owner",
            "DATABASE_URL": services["owner"],
            "REDIS_URL": services["redis"],
        }
        ready()
        print(json.dumps(measure(up.home)))


def timed(work: Any) -> tuple[Any, float]:
    """What the work returned, and its seconds."""
    began = time.monotonic()
    found = work()
    return found, time.monotonic() - began


def measure(home: Path) -> dict[str, Any]:
    """Everything that needs the database. The instance's own sealer stands still meanwhile."""
    from django.conf import settings
    from django.db import connection

    from accounts.models import Organization
    from lam_app import sealing
    from traces import checkpoints
    from traces.exporting import export, verify_database, verify_export
    from traces.keys import private_key

    organization = Organization.objects.get(slug="demo").pk
    pid = json.loads((home / "run" / "processes.json").read_text())["sealer"][0]
    os.kill(pid, signal.SIGSTOP)
    try:
        with connection.cursor() as cursor:
            cursor.execute(FILL, {"count": N, "organization": organization})
        public, outside = settings.LAM_SEAL_PUBLIC_KEY, settings.LAM_CHECKPOINTS
        key, chain = private_key(settings.LAM_SEAL_KEY), sealing.begin(public, outside)
        _, sealing_seconds = timed(lambda: [None for _ in iter(lambda: sealing.one_pass(chain, key, outside), 0)])
        signed = sealing.verifying(public)
        heads = checkpoints.heads(outside, signed)[str(organization)]
        report, database = timed(lambda: verify_database(organization, signed, outside=heads))
        assert report.intact, report.problems[:3]
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "record.jsonl"
            _, exporting = timed(lambda: place.write_text("".join(export(organization)), encoding="utf-8"))
            with place.open("rb") as lines:
                found, of_export = timed(lambda: verify_export(lines, signed))
            assert found.intact
            run = [sys.executable, str(STANDALONE), str(place), str(public)]
            _, standalone = timed(lambda: subprocess.run(run, check=True, capture_output=True))
        shares = [_with_sealer(organization) / _written(organization) for _ in range(ROUNDS)]
    finally:
        os.kill(pid, signal.SIGCONT)
    rates = {"sealed": sealing_seconds, "verified_database": database, "exported": exporting}
    rates |= {"verified_export": of_export, "verified_standalone": standalone}
    return {
        "events": report.events,
        **{f"{name}_a_second": round(report.events / seconds) for name, seconds in rates.items()},
        "writers_share": round(sorted(shares)[len(shares) // 2], 3),
        "writers_shares": [round(share, 3) for share in shares],
    }


def _written(organization: object) -> int:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(SECONDS), str(organization)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    return sum(int(writer.communicate()[0]) for writer in writers)


def _with_sealer(organization: object) -> int:
    sealer = subprocess.Popen([sys.executable, "-c", SEALER])
    try:
        time.sleep(2)  # it imports; what is measured begins once it works
        return _written(organization)
    finally:
        sealer.kill()
        sealer.wait()


if __name__ == "__main__":
    main()
