"""Text in arguments: one spelling, one length, and no characters that lie."""

import time
from typing import Any

import pytest

from tests.support.arguments import MESSAGE, an_object, one, problems
from tools.arguments import normalise
from traces.canonical import digest


def test_nothing_is_trimmed() -> None:
    assert one({"type": "string"}, "  two  ") == "  two  "


def test_composed_and_decomposed_letters_become_one_text_and_one_digest() -> None:
    apart, joined = (
        normalise(MESSAGE, {"to": "a@b.c", "body": "e\u0301"}),
        normalise(MESSAGE, {"to": "a@b.c", "body": "é"}),
    )
    assert digest("arguments", apart.arguments) == digest("arguments", joined.arguments)
    assert apart.changes[0].path == "body"


def test_t86_a_text_is_measured_after_normalisation() -> None:
    assert one({"type": "string", "maxLength": 1, "minLength": 1}, "e\u0301") == "é"
    # U+FB2C becomes three characters in NFC.
    assert "limit is 5" in problems(an_object(x={"type": "string", "maxLength": 5}), {"x": "\ufb2c" * 2})["x"]
    began = time.process_time()
    assert "limit is 20000" in problems(an_object(x={"type": "string"}), {"x": "\ufdfa" * 100_000})["x"]
    assert time.process_time() - began < 0.2


ODD = [
    "\u202e",
    "\u2066",
    "\u200b",
    "\u200d",
    "\ufeff",
    "\U000e0041",
    "\ufe0f",
    "\x1b",
    "\x7f",
    "\u00ad",
    "\u2028",
    "\n",
    "\t",
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: f"U+{ord(odd):04X}")
@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("order_id", {"type": "string"}),
        ("reply_to", {"type": "string"}),
        ("Address", {"type": "string"}),
        ("subject", {"type": "string", "maxLength": 200}),
        ("path", {"type": "string", "x-identifier": True}),
        ("to", {"type": "array", "items": {"type": "string"}}),
        ("to", {"anyOf": [{"type": "string"}, {"type": "null"}]}),
    ],
    ids=str,
)
def test_t44_odd_characters_are_refused_in_identifiers(odd: str, name: str, schema: dict[str, Any]) -> None:
    value: Any = f"ann{odd}"
    found = problems(an_object(**{name: schema}), {name: [value] if schema.get("type") == "array" else value})
    ((path, message),) = found.items()
    assert path.startswith(name)
    assert f"holds U+{ord(odd):04X} (" in message
    assert message.endswith("at character 4")


def test_t44_long_text_may_have_lines_and_emoji_but_no_control_characters() -> None:
    schema = an_object(body={"type": "string"})
    for text in ("a\n\tb", "👩\u200d💻 ❤\ufe0f", "می\u200cخواهم", "\u202eabc"):
        assert normalise(schema, {"body": text}).arguments["body"] == text
    assert normalise(schema, {"body": "a\r\nb"}).arguments["body"] == "a\nb"
    for odd in "\x1b\x08\x85\r":
        assert f"holds U+{ord(odd):04X}" in problems(schema, {"body": f"a{odd}b"})["body"]


def test_t87_a_nul_is_refused_with_its_path() -> None:
    assert problems(MESSAGE, {"to": "a@b.c", "body": "a\0"}, at="arguments") == {
        "arguments.body": "text holds a NUL character"
    }


def test_a_pattern_ends_where_the_text_ends() -> None:
    schema = an_object(x={"type": "string", "pattern": "^[a-z\\n]{1,3}$|^b$", "maxLength": 999})
    assert problems(schema, {"x": "b\n" * 3}) == {"x": "must match ^[a-z\\n]{1,3}$|^b$"}
    digits = an_object(x={"type": "string", "pattern": "^[0-9]+$", "maxLength": 999})
    assert problems(digits, {"x": "12\n"}) == {"x": "must be one or more digits"}


def test_a_text_that_is_missing_its_only_letter_is_called_empty_and_not_held_against_a_pattern() -> None:
    schema = an_object(to={"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^[a-z]+$"})
    assert problems(schema, {"to": ""}) == {"to": "is empty"}
    assert problems(schema, {"to": "A"}) == {"to": "must be one or more small letters"}
    schema["properties"]["to"]["minLength"] = 2
    assert problems(schema, {"to": ""}) == {"to": "has 0 characters; at least 2 are needed"}
