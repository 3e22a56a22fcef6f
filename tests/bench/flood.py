"""Measure a flood (T51): a thousand proposals of one agent in a minute, and how long another organization waits.

The real product with its processes (``manage.py up``). Another organization's calls go the whole way by themselves,
one after the other: proposed, permitted, signed, called, recorded. Their time is from the return of the proposal to the
recorded end, first alone, then while an agent of the demo sends ``PROPOSALS`` proposals over the API, evenly over
``SECONDS``. The last line is one JSON object, times in milliseconds; the ratio is what a flood costs others.

    python -m tests.bench.flood
"""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
import uuid
from collections import Counter
from typing import Any

import psycopg

from tests.bench.feed import TOOLS, percentile, propose_as, say, spread
from tests.journeys.test_real_tasks import manage
from tests.support.up import Up, until

PROPOSALS = int(os.environ.get("PROPOSALS", "1000"))
SECONDS = float(os.environ.get("SECONDS", "60"))
AT_ONCE = 4
"""Connections of the agent that floods."""
AGENT = ("agent", "create", "caller", "--organization", "demo", "--owner", "operator", "--tool", "send_message")
TOKEN = ("token", "create", "--user", "operator", "--scope", "agent", "--agent", "caller")


def main() -> None:
    """Start the product, measure, print."""
    with Up(LAM_DEMO="people", LAM_TOOLS=TOOLS) as up:
        services = json.loads((up.home / "run" / "services.json").read_text())
        with psycopg.connect(services["owner"]) as owner:
            owner.execute("UPDATE tools_tool SET maturity = 'audit_only' WHERE name = 'put_odd'")
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "lam_app.settings",
            "LAM_HOME": str(up.home),
            "LAM_ROLE": "web",
            "LAM_TOOLS": TOOLS,
            "DATABASE_URL": services["web"],
            "REDIS_URL": services["redis"],
        }
        import django

        django.setup()
        manage(up, "owner", *AGENT)
        print(json.dumps(measure(up, manage(up, "web", *TOKEN))))


def measure(up: Up, token: str) -> dict[str, Any]:
    """Alone, then beside the flood, in one sitting."""
    waited(10)  # warm
    alone = waited(SECONDS / 2)
    say(f"alone {spread(alone)}")
    answers: Counter[int] = Counter()
    begin = time.monotonic()
    senders = [threading.Thread(target=flood, args=(up.port, token, part, begin, answers)) for part in range(AT_ONCE)]
    for one in senders:
        one.start()
    beside = waited(SECONDS)
    for one in senders:
        one.join()
    assert answers.total() == PROPOSALS, answers
    return {
        "proposals": PROPOSALS,
        "flooded_for_s": round(time.monotonic() - begin),
        "answers": {str(status): count for status, count in sorted(answers.items())},
        "others_alone": {"calls": len(alone), **spread(alone)},
        "others_beside": {"calls": len(beside), **spread(beside)},
        "others_p95_ratio": round(percentile(beside, 95) / percentile(alone, 95), 2),
    }


def waited(seconds: float) -> list[float]:
    """Milliseconds that each of the other organization's calls took, one after the other, for so long."""
    from accounts.rows import within
    from approvals.models import Action

    took = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        action = propose_as("elsewhere", "put_odd", {"thing": f"cup {uuid.uuid4().hex[:8]}"})
        began = time.monotonic()

        def done(action: Any = action) -> bool:
            with within(action.organization_id):
                return Action.objects.filter(pk=action.pk, status="done").exists()

        until(done, 60, "the call was made")
        took.append(1000 * (time.monotonic() - began))
        time.sleep(0.1)
    return took


def flood(port: int, token: str, part: int, begin: float, answers: Counter[int]) -> None:
    """One connection's share of the proposals, each at its time."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    for number in range(part, PROPOSALS, AT_ONCE):
        time.sleep(max(0.0, begin + number * SECONDS / PROPOSALS - time.monotonic()))
        text = {"to": f"customer of order {number}", "body": f"Late until Friday, {uuid.uuid4().hex[:8]}."}
        body = json.dumps({"tool": "send_message", "arguments": text})
        connection.request("POST", "/api/v1/actions", body, {**head, "Idempotency-Key": f"flood-{number}"})
        answer = connection.getresponse()
        answer.read()
        answers[answer.status] += 1
    connection.close()


if __name__ == "__main__":
    main()
