"""A policy is read strictly: whole or not at all, and whatever is wrong is told with its path."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from approvals.policy import Counts, Limit, Per, Policy, PolicyRefused, Verdict, read_policy
from approvals.policy.document import MOST_ENTRIES, Compares, Condition, Rule, Selector
from tools.kinds import Category, Tier

WHOLE = {
    "rules": [
        {
            "id": "big-refund",
            "about": {
                "tools": ["refund"],
                "categories": ["money"],
                "tiers": ["write", "delete"],
                "agents": ["planner"],
                "initiators": ["operator"],
            },
            "when": [
                {"argument": "amount", "compares": ">", "value": "200.00"},
                {"argument": "lines.price", "compares": "<=", "value": -5},
                {"argument": "country", "compares": "not in", "value": ["DE", "AT"]},
                {"argument": "note", "compares": "absent"},
            ],
            "quorum": 2,
            "teams": {"managers": 1, "finance": 2},
            "reason": "Large sums.",
        },
        {"id": "never", "answer": "deny"},
    ],
    "limits": [
        {"id": "calls", "per": "agent", "counts": "calls", "most": 20, "seconds": 60},
        {"id": "sums", "per": "tool", "counts": "amount", "most": "99.50", "unit": "EUR", "seconds": 2678400},
    ],
    "exposure": {"USD": 10, "EUR": "5000.00"},
    "confidence": 0.9,
    "most_cost": "2.50",
    "high_risk_quorum": 2,
}


def one(kind: str, **changes: Any) -> dict[str, Any]:
    """A document with one entry, of which something is different; None leaves a field out."""
    entry = {"rules": {"id": "x"}, "limits": {"id": "x", "per": "tool", "counts": "calls", "most": 1, "seconds": 1}}
    return {kind: [{key: value for key, value in {**entry[kind], **changes}.items() if value is not None}]}


def when(**changes: Any) -> dict[str, Any]:
    return one("rules", when=[{"argument": "a", "compares": ">", "value": "1", **changes}])


def test_a_whole_document_is_read() -> None:
    policy = read_policy(WHOLE)
    assert policy == Policy(
        rules=(
            Rule(
                id="big-refund",
                about=Selector(
                    tools=frozenset({"refund"}),
                    categories=frozenset({Category.MONEY}),
                    tiers=frozenset({Tier.WRITE, Tier.DELETE}),
                    agents=frozenset({"planner"}),
                    initiators=frozenset({"operator"}),
                ),
                when=(
                    Condition("amount", Compares.MORE, "200.00"),
                    Condition("lines.price", Compares.AT_MOST, "-5"),
                    Condition("country", Compares.NOT_AMONG, ("DE", "AT")),
                    Condition("note", Compares.ABSENT),
                ),
                quorum=2,
                teams=(("finance", 2), ("managers", 1)),
                reason="Large sums.",
            ),
            Rule(id="never", answer=Verdict.DENY),
        ),
        limits=(
            Limit(id="calls", per=Per.AGENT, counts=Counts.CALLS, most=Decimal(20), seconds=60),
            Limit(id="sums", per=Per.TOOL, counts=Counts.AMOUNT, most=Decimal("99.50"), seconds=2678400, unit="EUR"),
        ),
        exposure=(("EUR", Decimal("5000.00")), ("USD", Decimal(10))),
        confidence=0.9,
        most_cost=Decimal("2.50"),
        high_risk_quorum=2,
    )
    assert read_policy(policy.to_json()) == policy


def test_an_empty_document_is_what_an_organization_begins_with() -> None:
    assert read_policy({}) == Policy() == read_policy(Policy().to_json())


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], ""),
        ({"rule": []}, "rule"),
        ({"rules": {}}, "rules"),
        ({"rules": ["x"]}, "rules[0]"),
        ({"rules": [{}]}, "rules[0].id"),
        ({"rules": None}, "rules"),
        (one("rules", id="Big"), "rules[0].id"),
        (one("rules", id=7), "rules[0].id"),
        (one("rules", id="exposure-eur"), "rules[0].id"),
        (one("rules", because="x"), "rules[0].because"),
        (one("rules", answer="allow"), "rules[0].answer"),
        (one("rules", answer="veto_window"), "rules[0].answer"),
        (one("rules", answer="deny", quorum=2), "rules[0].answer"),
        (one("rules", answer="deny", teams={"finance": 1}), "rules[0].answer"),
        (one("rules", quorum=0), "rules[0].quorum"),
        (one("rules", quorum=True), "rules[0].quorum"),
        (one("rules", quorum="2"), "rules[0].quorum"),
        (one("rules", teams={"finance": 0}), "rules[0].teams.finance"),
        (one("rules", teams=[["finance", 1]]), "rules[0].teams"),
        (one("rules", about={"tools": []}), "rules[0].about.tools"),
        (one("rules", about={"tools": "refund"}), "rules[0].about.tools"),
        (one("rules", about={"tools": [""]}), "rules[0].about.tools[0]"),
        (one("rules", about={"tools": ["a\u202eb"]}), "rules[0].about.tools[0]"),
        (one("rules", about={"categories": ["fun"]}), "rules[0].about.categories[0]"),
        (one("rules", about={"tiers": ["approve"]}), "rules[0].about.tiers[0]"),
        (one("rules", about={"people": ["x"]}), "rules[0].about.people"),
        (one("rules", reason="x" * 301), "rules[0].reason"),
        (when(compares="~"), "rules[0].when[0].compares"),
        (when(argument=""), "rules[0].when[0].argument"),
        (when(argument="lines[0]"), "rules[0].when[0].argument"),
        (when(value=1.5), "rules[0].when[0].value"),
        (when(value="lots"), "rules[0].when[0].value"),
        (when(value="1_000"), "rules[0].when[0].value"),
        (when(compares="in", value="DE"), "rules[0].when[0].value"),
        (when(compares="in", value=[]), "rules[0].when[0].value"),
        (when(compares="present"), "rules[0].when[0].value"),
        (when(compares="=", value=True), "rules[0].when[0].value"),
        (one("limits", per="team"), "limits[0].per"),
        (one("limits", per=None), "limits[0].per"),
        (one("limits", counts="money"), "limits[0].counts"),
        (one("limits", most=1.5), "limits[0].most"),
        (one("limits", most="1.5"), "limits[0].most"),
        (one("limits", most=-1), "limits[0].most"),
        (one("limits", most=None), "limits[0].most"),
        (one("limits", seconds=0), "limits[0].seconds"),
        (one("limits", seconds=2678401), "limits[0].seconds"),
        (one("limits", seconds=None), "limits[0].seconds"),
        (one("limits", unit="EUR"), "limits[0].unit"),
        (one("limits", counts="amount"), "limits[0].unit"),
        (one("limits", counts="amount", unit="eur"), "limits[0].unit"),
        (one("limits", answer="deny", quorum=2), "limits[0].answer"),
        ({"exposure": {"euro": "1"}}, "exposure.euro"),
        ({"exposure": {"EUR": 0.5}}, "exposure.EUR"),
        ({"exposure": {"EUR": "NaN"}}, "exposure.EUR"),
        ({"confidence": 1.01}, "confidence"),
        ({"confidence": float("nan")}, "confidence"),
        ({"confidence": True}, "confidence"),
        ({"most_steps": 0}, "most_steps"),
        ({"most_tokens": 1.0}, "most_tokens"),
        ({"most_cost": 20.0}, "most_cost"),
        ({"high_risk_quorum": 0}, "high_risk_quorum"),
        ({"rules": [{"id": f"r{n}"} for n in range(MOST_ENTRIES + 1)]}, "rules"),
    ],
)
def test_whatever_is_wrong_refuses_the_whole_with_its_path(document: Any, path: str) -> None:
    with pytest.raises(PolicyRefused) as refused:
        read_policy(document)
    assert path in [where for where, _ in refused.value.problems]


def test_every_problem_is_told_at_once() -> None:
    wrong = {**one("rules", id="A", quorum=0), **one("limits", most=1.5, seconds=0), "confidence": 2, "extra": 1}
    with pytest.raises(PolicyRefused) as refused:
        read_policy(wrong)
    assert [path for path, _ in refused.value.problems] == [
        "rules[0].id",
        "rules[0].quorum",
        "limits[0].most",
        "limits[0].seconds",
        "confidence",
        "extra",
    ]


def test_one_id_names_one_entry() -> None:
    with pytest.raises(PolicyRefused, match=r"limits\[0\].id: x is there twice"):
        read_policy({**one("rules"), **one("limits")})


def test_the_policy_that_the_manual_shows_is_one() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "manual.md").read_text(encoding="utf-8")
    shown = next(text for text in re.findall(r"```json\n(.*?)```", manual, re.DOTALL) if '"rules"' in text)
    policy = read_policy(json.loads(shown))
    assert len(policy.rules) == len(policy.limits) == 2
    assert policy.exposure == (("EUR", Decimal(5000)),)
    first = Policy()
    for name in ("confidence", "most_affected", "most_steps", "most_tokens", "most_cost", "most_repeats"):
        assert f"`{name}` {getattr(first, name)}" in manual
    assert f"`fresh_seconds` {first.fresh_seconds}" in manual
