"""Every kind of call and every kind of policy, sensible and senseless, for tests that hold for all of them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import strategies as st

from approvals.policy import (
    Able,
    DryRun,
    DryRunState,
    Facts,
    Halt,
    History,
    Origin,
    Owner,
    Party,
    PlanState,
    Policy,
    Resource,
    Source,
    ToolFacts,
    Usage,
    Verdict,
)
from approvals.policy.document import Compares, Condition, Counts, DialException, Limit, Per, Rule, Selector
from tests.support.judging import HASH, some_facts
from tools.kinds import Category, IdempotencyClass, Maturity, Tier

words = st.text("abcé ⟨\u202e", max_size=6)
names = st.sampled_from(["send_message", "other"])
numbers = st.sampled_from(["0", "1", "19", "99.99", "100", "250.5", "-3", "many", ""])
decimals = st.sampled_from(["0", "1", "19", "99.99", "100", "250.5"])
counts = st.integers(0, 3) | st.integers(0, 2_000_000)
categories = st.sampled_from(Category)
parties = st.builds(
    Party,
    id=words,
    name=words,
    may_use=st.booleans(),
    tier=st.sampled_from(Tier),
    active=st.booleans(),
    teams=st.sampled_from([None, (), ("finance",)]),
)
hashes = st.sampled_from([HASH, "sha256:" + "b" * 64, ""])
tools = st.builds(
    ToolFacts,
    name=names,
    version_hash=hashes,
    proposed_version_hash=hashes,
    tier=st.sampled_from([*Tier, "approve"]),
    maturity=st.sampled_from([*Maturity, "trusted"]),
    idempotency=st.sampled_from(IdempotencyClass),
    reversible=st.booleans(),
    enabled=st.booleans(),
    forbidden=st.booleans(),
    recommend_only=st.booleans(),
    veto_seconds=st.integers(-1, 100),
    categories=st.frozensets(categories, max_size=3),
    lifted=st.dictionaries(categories.map(str), st.sampled_from(["", "tested"]), max_size=3),
    lifted_up_to=st.dictionaries(categories.map(str), numbers, max_size=3),
    amount=st.none() | numbers,
    currency=st.sampled_from(["", "EUR", "USD"]),
    secret_fields=st.frozensets(st.sampled_from(["to", "amount"]), max_size=1),
)
limit_ids = st.sampled_from(["first", "second", "exposure-EUR"])
evidence = {
    "usage": st.lists(
        st.builds(
            Usage, limit=limit_ids, subject=words, used=decimals, asks=decimals, unit=st.sampled_from(["", "EUR"])
        ),
        max_size=4,
    ).map(tuple),
    "resources": st.lists(st.builds(Resource, words, words, words, st.sampled_from(Owner)), max_size=2).map(tuple),
    "history": st.just(History())
    | st.builds(History, failed=counts, rejected=counts, repeated=counts, steps=counts, tokens=counts, cost=decimals),
    "plan": st.sampled_from(PlanState),
    "provenance": st.lists(st.builds(Origin, words, st.sampled_from(Source), words), max_size=2).map(tuple),
    "dry_run": st.just(DryRun())
    | st.builds(DryRun, st.sampled_from(DryRunState), words, st.none() | counts, drifted=st.booleans()),
    "approvers": st.lists(
        st.builds(Able, st.sampled_from(["", "finance"]), st.none() | st.integers(0, 3)), max_size=2
    ).map(tuple),
    "confidence": st.none() | st.floats(0, 1),
}
any_arguments = st.sampled_from([{}, {"to": "x"}, {"amount": "250.50"}, {"amount": 19, "to": ["x", "y"]}, [], None])
any_facts = st.builds(
    Facts,
    policy_version=st.integers(0, 10),
    tool_requested=st.just("send_message"),
    tool=st.none() | tools,
    arguments=any_arguments,
    initiator=parties,
    agent=parties,
    problems=st.lists(st.tuples(words, words), max_size=2).map(tuple),
    halts=st.lists(st.builds(Halt, words, words, words), max_size=2).map(tuple),
    **evidence,
)
good_tools = tools.map(
    lambda tool: replace(
        tool, name="send_message", version_hash=HASH, proposed_version_hash=HASH,
        enabled=True, forbidden=False, recommend_only=False, veto_seconds=abs(tool.veto_seconds),
    )
)  # fmt: skip
likely_facts = st.builds(
    some_facts,
    good_tools,
    initiator=parties.map(lambda p: replace(p, may_use=True, active=True, tier=Tier.ADMIN)),
    confidence=st.none() | st.floats(0, 1),
) | st.builds(some_facts, good_tools, **evidence)

selectors = st.builds(
    Selector,
    tools=st.frozensets(names, max_size=1),
    categories=st.frozensets(categories, max_size=2),
    tiers=st.frozensets(st.sampled_from(Tier), max_size=2),
    teams=st.frozensets(st.sampled_from(["finance", "night"]), max_size=1),
)
answers = st.sampled_from([Verdict.REVIEW, Verdict.DENY])
orders = st.sampled_from([Compares.MORE, Compares.AT_LEAST, Compares.LESS, Compares.AT_MOST])
conditions = st.one_of(
    st.builds(Condition, st.sampled_from(["to", "amount"]), orders, decimals),
    st.builds(
        Condition, st.sampled_from(["to", "amount"]), st.sampled_from([Compares.EQUAL, Compares.NOT_EQUAL]), decimals
    ),
    st.builds(Condition, st.just("to"), st.sampled_from([Compares.AMONG, Compares.NOT_AMONG]), st.just(("x", "z"))),
    st.builds(Condition, st.just("to"), st.sampled_from([Compares.PRESENT, Compares.ABSENT])),
)
quorums = st.integers(1, 3)


@st.composite
def rule_lists(draw: st.DrawFn) -> tuple[Rule, ...]:
    """Rules with ids of their own; a denial asks nobody."""
    rules = []
    for number in range(draw(st.integers(0, 3))):
        answer = draw(answers)
        people = {"quorum": draw(quorums), "teams": draw(st.sampled_from([(), (("finance", 2),)]))}
        rules.append(
            Rule(
                id=f"rule-{number}",
                about=draw(selectors),
                when=tuple(draw(st.lists(conditions, max_size=2))),
                answer=answer,
                **(people if answer is Verdict.REVIEW else {}),
            )
        )
    return tuple(rules)


@st.composite
def limit_lists(draw: st.DrawFn) -> tuple[Limit, ...]:
    """Limits named as the usages are."""
    limits = []
    for name in draw(st.sampled_from([(), ("first",), ("first", "second")])):
        counts, answer = draw(st.sampled_from(Counts)), draw(answers)
        limits.append(
            Limit(
                id=name,
                about=draw(selectors),
                per=draw(st.sampled_from(Per)),
                counts=counts,
                most=Decimal(draw(st.sampled_from(["0", "20", "500"]))),
                seconds=draw(st.sampled_from([60, 3600, 86_400])),
                unit="EUR" if counts is Counts.AMOUNT else "",
                answer=answer,
                quorum=draw(quorums) if answer is Verdict.REVIEW else 1,
            )
        )
    return tuple(limits)


windows = st.just({"maturity": Maturity.IN_THE_LOOP}) | st.fixed_dictionaries(
    {"maturity": st.just(Maturity.ON_THE_LOOP), "veto_seconds": st.integers(0, 100)}
)
exceptions = st.builds(
    lambda about, when, window: DialException(id="exception", about=about, when=when, **window),
    selectors,
    st.lists(conditions, max_size=2).map(tuple),
    windows,
)
policies = st.builds(
    Policy,
    rules=rule_lists(),
    limits=limit_lists(),
    exceptions=st.lists(exceptions, max_size=1).map(tuple),
    exposure=st.sampled_from([(), (("EUR", Decimal(500)),), (("EUR", Decimal("0.5")), ("USD", Decimal(3)))]),
    confidence=st.sampled_from([0.0, 0.8, 1.0]),
    most_affected=st.integers(0, 100),
    most_steps=st.integers(1, 50),
    most_tokens=st.integers(1, 2_000_000),
    most_cost=decimals.map(Decimal),
    most_repeats=st.integers(1, 3),
    high_risk_quorum=quorums,
)
