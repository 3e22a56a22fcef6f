"""Drives runs along the road and measures them: submit, approve, wait for the reports, then check the end state."""

from __future__ import annotations

import statistics
import threading
import time
from typing import Any

from django.db import close_old_connections, connection

from accounts.models import Membership, User
from accounts.rows import enter
from approvals.models import Action
from approvals.services.approve import approve
from lam_app.models import Run
from lam_app.runs import submit
from traces.exceptions import DomainError

PATIENCE = 180
"""Seconds until a round that does not end is a failure."""


def drive(number: int) -> dict[str, Any]:
    """One round of so many runs. Raises AssertionError when the end state is not what it has to be."""
    operator = User.objects.get(username="operator")
    reviewer = User.objects.get(username="reviewer")
    membership = Membership.objects.of(operator).first()
    assert membership is not None
    organization = membership.organization_id
    enter(organization)  # as the web account, which sees the rows of one organization at a time
    stop = threading.Event()
    desk = threading.Thread(target=_review, args=(reviewer, organization, stop))
    transactions, size = _counters()
    desk.start()
    began = time.monotonic()
    try:
        ids = [
            submit(initiator=operator, organization=organization, goal=f"Tell customer {n} that it is late").id
            for n in range(number)
        ]
        while Run.objects.filter(id__in=ids, status="succeeded").count() < number:
            assert time.monotonic() - began < PATIENCE, _where(ids)
            time.sleep(0.05)
        took = time.monotonic() - began
    finally:
        stop.set()
        desk.join()
    transactions_after, size_after = _counters()
    latencies = _checked(ids)
    return {
        "governed_actions_s": number / took,
        "runs_s": number / took,
        "commits_per_action": (transactions_after - transactions) / number,
        "bytes_per_action": (size_after - size) / number,
        "approve_to_effect_p50_ms": statistics.median(latencies),
        "approve_to_effect_p99_ms": sorted(latencies)[int(len(latencies) * 0.99) - 1],
    }


def _review(reviewer: User, organization: Any, stop: threading.Event) -> None:
    """A scripted reviewer: everything that waits is approved, as it was shown, one by one."""
    enter(organization)
    while not stop.is_set():
        waiting = list(Action.objects.within(organization).waiting().values_list("id", "digest")[:50])
        for action, digest in waiting:
            try:
                approve(actor=reviewer, organization=organization, action_id=action, digest=digest)
            except DomainError:
                continue
        if not waiting:
            stop.wait(0.02)
    close_old_connections()
    connection.close()


def _checked(ids: list[Any]) -> list[float]:
    """Milliseconds from each approval to its effect, after checking that there is exactly one effect for each run."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT extract(epoch FROM o.sent_at - d.at) * 1000
            FROM approvals_action a
            JOIN tools_execution e ON e.action = a.id AND e.status = 'done'
            JOIN tools_outboxmessage o ON o.key = e.key
            JOIN traces_event d ON d.subject = a.id AND d.target = 'permitted'
            WHERE a.run = ANY (%s) AND a.status = 'done'
            """,
            [ids],
        )
        latencies = [float(row[0]) for row in cursor.fetchall()]
    assert len(latencies) == len(ids), f"{len(ids)} runs, but {len(latencies)} done actions with their one effect"
    return latencies


def _counters() -> tuple[int, int]:
    """Transactions that wrote (ids are given to those alone) and the database's bytes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint, pg_database_size(current_database())"
        )
        row = cursor.fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _where(ids: list[Any]) -> str:
    counts: dict[str, int] = {}
    for status in Run.objects.filter(id__in=ids).values_list("status", flat=True):
        counts[status] = counts.get(status, 0) + 1
    return f"the runs stand at {counts}"
