"""Measure a replay: 100,000 recorded rulings judged under a changed policy, as the planners' process does it.

The rows are made in a database of their own, of the shape that the gate writes, over 20 tools and under a policy of 20
rules and 5 limits; one limit is new, so that the replay counts it itself. Then slices are taken, one after the other,
by the worker's account under its rights. The last line is one JSON object, in seconds.

    N=100000 python -m pytest -q -s tests/bench/replay.py
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from approvals.models import Trial
from approvals.policy import Facts, Party, Policy, ToolFacts, Usage, rule
from approvals.policy.document import Compares, Condition, Counts, Limit, Per, Rule, Selector
from approvals.services import replay, trial
from approvals.services.policy import change_policy
from tests.support.racing import acting_as
from tests.support.sql import without_guards
from tests.support.world import World
from tools.kinds import Category, IdempotencyClass, Maturity, Tier
from traces.canonical import canonical

N = int(os.environ.get("N", "2000"))
TOOLS = 20

_ROWS = """
WITH made AS (
    SELECT n, gen_random_uuid() AS action, clock_timestamp() - make_interval(secs => (%(n)s - n) * 5) AS at
    FROM generate_series(1, %(n)s) AS n
), ids AS (
    SELECT n, action, at, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000'
        || substr(md5(n::text), 1, 16))::uuid AS revision FROM made
), actions AS (
    INSERT INTO approvals_action (id, organization_id, run, step, origin, initiator_id, agent_id, principals, tool_id,
        tool_name, scopes, status, verdict, risk, maturity, quorum, teams, unroutable, revision, digest, summary,
        reasoning, expires_at, created, held_reason)
    SELECT action, %(organization)s, gen_random_uuid(), 1, 'planner', %(initiator)s, %(agent)s,
        ARRAY[%(initiator)s::uuid], %(tool)s, 'tool_' || n %% %(tools)s, '{}', 'done', 'allow', 'low', 'audit_only', 1,
        '[]', '', 1, 'd', 'Do it', '', at + interval '1 day', at, '' FROM ids
)
INSERT INTO approvals_revision (id, organization_id, action_id, number, policy_version_id, arguments, arguments_digest,
    request, request_digest, digest, facts, considered, ruling, created)
SELECT revision, %(organization)s, action, 1, %(policy)s, '{}', 'd', '{}', 'd', 'd',
    (%(facts)s::text[])[1 + n %% %(tools)s], '[]', '{}', at FROM ids
"""


def a_policy(*, new: bool) -> Policy:
    """Rules that name some tools each, a share for everything that moves money; with ``new``, two entries more."""
    when = (Condition("amount", Compares.MORE, "200"), Condition("country", Compares.NOT_AMONG, ("DE", "AT", "CH")))

    def some(number: int) -> Selector:
        if number % 5 == 0:
            return Selector(categories=frozenset({Category.MONEY}))
        return Selector(tools=frozenset(f"tool_{(number * 7 + n) % TOOLS}" for n in range(4)))

    rules = tuple(Rule(id=f"rule-{n}", about=some(n), when=when, quorum=2) for n in range(20))
    limits = tuple(
        Limit(id=f"limit-{n}", about=some(n), per=Per.AGENT, counts=Counts.CALLS, most=Decimal(50_000), seconds=86_400)
        for n in range(5)
    )
    if new:
        rules = (*rules, Rule(id="new", when=(Condition("amount", Compares.MORE, "40"),), quorum=2))
        limits = (
            *limits,
            Limit(id="also", per=Per.INITIATOR, counts=Counts.CALLS, most=Decimal(5_000), seconds=86_400),
        )
    return Policy(rules=rules, limits=limits)


def a_call(number: int, policy: Policy) -> Facts:
    """A call of one tool, as the gate gathers it."""
    name = f"tool_{number}"
    facts = Facts(
        policy_version=2,
        tool_requested=name,
        tool=ToolFacts(
            name=name,
            version_hash="sha256:a",
            proposed_version_hash="sha256:a",
            tier=Tier.WRITE,
            maturity=Maturity.AUDIT_ONLY,
            idempotency=IdempotencyClass.KEYED,
            reversible=True,
            categories=frozenset({Category.MONEY}),
            lifted={"money": "tried"},
            lifted_up_to={"money": "1000"},
            amount=f"{number * 3}.50",
            currency="EUR",
        ),
        arguments={"amount": f"{number * 3}.50", "country": "DE", "to": f"customer {number}", "note": "x" * 200},
        initiator=Party("u1", "operator", may_use=True, tier=Tier.WRITE, teams=("operators",)),
        agent=Party("a1", "planner", may_use=True, tier=Tier.WRITE),
        confidence=0.9,
    )
    met = [limit for limit in policy.limits if limit.about.fits(facts)]
    return replace(facts, usage=tuple(Usage(one.id, "agent planner", "40", "1") for one in met))


@pytest.mark.slow
def test_a_replay_judges_everything_that_was_recorded(world: World) -> None:
    """Every row is judged, and the time is printed; it is no condition here, since machines differ."""
    old, new = a_policy(new=False), a_policy(new=True)
    version = change_policy(world.organization.id, old.to_json(), reason="x", by=world.administrator, after=1)
    facts = [canonical(a_call(n, old).to_json()).decode() for n in range(TOOLS)]
    values: dict[str, Any] = {
        "n": N, "tools": TOOLS, "organization": world.organization.id, "initiator": world.operator.pk,
        "agent": world.agent.pk, "tool": world.tool().pk, "policy": version.pk, "facts": facts,
    }  # fmt: skip
    with without_guards() as admin:
        admin.execute(_ROWS, values)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE approvals_revision, approvals_action")
    tried = trial.write(world.organization.id, new.to_json(), by=world.administrator, follows=2)
    began = time.perf_counter()
    trial.start(world.organization.id, tried.pk, by=world.administrator, days=30)
    started = time.perf_counter() - began
    slices, used = 0, time.thread_time()
    with acting_as("worker"):
        while replay.replay_some():
            slices += 1
        took, used = time.perf_counter() - began, time.thread_time() - used
    tried.refresh_from_db()
    assert (tried.state, tried.seen) == (Trial.State.DONE, N)
    assert sum(tried.found["moves"].values()) == N
    assert rule(a_call(1, old), old).verdict == "allow"
    figures = {"rulings": N, "seconds": round(took, 1), "cpu_seconds": round(used, 1), "slices": slices}
    print(f"moves: {tried.found['moves']}; the range was counted in {started * 1000:.0f} ms")
    print(json.dumps(figures))
