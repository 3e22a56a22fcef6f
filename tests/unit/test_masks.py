"""Secrets are kept out of an archive by where they stand, and by what they are wherever else they are repeated."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from lam_app.evidence.masks import MASK, masks

GIVEN = {"to": "ann", "card": {"number": "4111-1111", "name": "Ann"}, "pins": [{"pin": "12345"}, {"pin": "67890"}]}


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ((), GIVEN),
        (("card.number",), {**GIVEN, "card": {"number": MASK, "name": "Ann"}}),
        (("pins.pin",), {**GIVEN, "pins": [{"pin": MASK}, {"pin": MASK}]}),
        (("card", "pins"), {"to": "ann", "card": MASK, "pins": MASK}),
    ],
)
def test_what_a_contract_calls_secret_is_masked_where_it_stands(secret: tuple[str, ...], shown: Any) -> None:
    assert masks([(GIVEN, secret)]).arguments(GIVEN) == shown


def test_a_secret_is_masked_wherever_it_is_repeated_longest_first() -> None:
    hide = masks([({"a": "abcdef", "b": "abcdefgh"}, ("a", "b"))])
    assert hide({"said": ["it is abcdefgh", "or abcdef"], "a": "anything"}) == {
        "said": [f"it is {MASK}", f"or {MASK}"],
        "a": MASK,
    }
    assert hide.page("<p>x &amp; abcdef</p>") == f"<p>x &amp; {MASK}</p>"


def test_a_page_is_searched_for_secrets_as_it_writes_them() -> None:
    assert masks([({"a": "<&> word"}, ("a",))]).page("<b>&lt;&amp;&gt; word</b>") == f"<b>{MASK}</b>"


def test_what_is_too_short_to_be_told_from_ordinary_words_is_masked_in_its_field_alone() -> None:
    hide = masks([({"pin": "on"}, ("pin",))])
    assert hide.arguments({"pin": "on", "note": "go on"}) == {"pin": MASK, "note": "go on"}


def test_t97_a_secret_is_hidden_in_the_forms_that_json_and_addresses_give_it() -> None:
    secret = 'hunter"2\\ä x&y/z'
    hide = masks([({"pin": secret}, ["pin"])])
    for said in (
        json.dumps({"pin": secret}),
        json.dumps({"pin": secret}, ensure_ascii=False),
        f"https://host.example/?pin={quote(secret)}",
        f"https://host.example/?pin={quote(secret, safe='')}",
        f"pin={quote_plus(secret)}",
    ):
        assert "hunter" not in hide.text(said), said
        assert "hunter" not in hide.page(said), said


def test_a_secret_number_is_masked_wherever_it_stands_by_itself_or_in_a_text() -> None:
    hide = masks([({"pin": 480275, "amount": 4802755}, ("pin",))])
    said = {"code": 480275, "amount": 4802755, "text": "the pin is 480275"}
    assert hide(said) == {"code": MASK, "amount": 4802755, "text": f"the pin is {MASK}"}
