"""What a contract says of its arguments' values: which is the money, whose things they name, what can be looked up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from tests.support.contracts import TEXT, a_contract, an_object, paths
from tests.support.openapi import TRUST, body, fields, one, refused, said
from tools.connecting import Call
from tools.connectors.python import tool
from tools.contract import Contract, Idempotency, Tier
from traces.canonical import JSON


class Payment(BaseModel):
    """What is paid to whom."""

    amount: float
    to: str


MONEY = an_object(
    amount={"type": "number"},
    currency={"type": "string", "minLength": 3, "maxLength": 3},
    pin=TEXT,
    flag={"type": "boolean"},
    parts={"type": "array", "items": an_object(amount={"type": "string"}, sku=TEXT)},
    place={"anyOf": [{"$ref": "#/$defs/Place"}, {"type": "null"}]},
) | {"$defs": {"Place": an_object(org=TEXT)}}


def a_payment(**changes: Any) -> Contract:
    usual = {"arguments_schema": MONEY, "summary": "Pay {amount}", "consent": "Pay", "secret_fields": ("pin",)}
    return a_contract(**{**usual, **changes})


SOUND: list[dict[str, Any]] = [
    {"amount_field": "amount"},
    {"amount_field": "amount", "currency": "EUR"},
    {"amount_field": "amount", "currency_field": "currency"},
    {"scope_fields": {"parts.sku": "article", "place.org": "organization"}},
    {"lookups": {"parts.sku": "article"}},
]


@pytest.mark.parametrize("words", SOUND, ids=str)
def test_money_scope_and_lookups_are_declared_and_survive_json(words: dict[str, Any]) -> None:
    contract = a_payment(**words).validate()
    assert Contract.from_json(json.loads(json.dumps(contract.to_json()))) == contract
    assert contract.version_hash() != a_payment().version_hash()


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ({"amount_field": "sum"}, "amount_field"),
        ({"amount_field": "flag"}, "amount_field"),
        ({"amount_field": "pin"}, "amount_field"),
        ({"amount_field": "parts.amount"}, "amount_field"),
        ({"currency": "EUR"}, "currency"),
        ({"amount_field": "amount", "currency": "Euro"}, "currency"),
        ({"amount_field": "amount", "currency": "EUR\n"}, "currency"),
        ({"amount_field": "amount", "currency": "EUR", "currency_field": "currency"}, "currency"),
        ({"amount_field": "amount", "currency_field": "coin"}, "currency_field"),
        ({"amount_field": "amount", "currency_field": "amount"}, "currency_field"),
        ({"amount_field": "amount", "currency_field": "pin"}, "currency_field"),
        ({"scope_fields": {"parts.nothing": "article"}}, "scope_fields.parts.nothing"),
        ({"scope_fields": {"parts": "Article"}}, "scope_fields.parts"),
        ({"scope_fields": {"pin": "article"}}, "scope_fields.pin"),
        ({"scope_fields": {"": "article"}}, "scope_fields."),
        ({"scope_fields": ["amount"]}, "scope_fields"),
        ({"lookups": {"sum": "order"}}, "lookups.sum"),
        ({"lookups": {"amount": 7}}, "lookups.amount"),
    ],
    ids=str,
)
def test_what_money_scope_and_lookups_may_not_say(words: dict[str, Any], path: str) -> None:
    assert paths(a_payment(**words)) == [path]


def test_a_python_tool_says_these_things_beside_its_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.connectors.python.TOOLS", {})

    @tool(
        title="Pay",
        tier=Tier.WRITE,
        idempotency=Idempotency.neither(),
        summary="Pay {amount}",
        consent="Pay",
        amount_field="amount",
        currency="EUR",
        scope_fields={"to": "account"},
        lookups={"to": "account"},
    )
    def pay(arguments: Payment, call: Call) -> dict[str, JSON]:
        """Pay somebody."""
        return {}

    contract = pay.contract
    assert (contract.amount_field, contract.currency) == ("amount", "EUR")
    assert contract.scope_fields == contract.lookups == {"to": "account"}


def test_an_imported_tool_s_scope_needs_no_trust_and_its_amount_does() -> None:
    """Scope makes a tool stricter; an amount that a document points at could make it look cheaper than it is."""
    operation = {**body(fields(a=TEXT, sum={"type": "number"})), **said(scope={"a": "account"})}
    freer = said(amount="sum", currency="EUR")
    plain = one({**operation, **freer})
    assert (plain.scope_fields, plain.amount_field, plain.currency) == ({"a": "account"}, "", "")
    trusted = one({**operation, **freer}, trust=TRUST)
    assert (trusted.scope_fields, trusted.amount_field, trusted.currency) == ({"a": "account"}, "sum", "EUR")
    named = one({**body(fields(a=TEXT, sum={"type": "number"})), **said(amount="sum", currency_field="a")}, trust=TRUST)
    assert (named.currency, named.currency_field) == ("", "a")


@pytest.mark.parametrize(
    "words",
    [said(scope={"b": "account"}), said(scope=["a"]), said(scope={"a": "An Account"}), said(amount="b")],
    ids=str,
)
def test_an_extension_that_names_what_is_not_there_leaves_its_operation_out(words: dict[str, Any]) -> None:
    assert refused({**body(fields(a=TEXT)), **words}, trust=TRUST)
