"""JSON that could be read in two ways is refused with its path; what is left has one form and one name."""

import json
import math
import random
import struct
import time

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.values import any_value
from traces.canonical import LARGEST, BadJSON, canonical, digest, parse

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
numbers = st.one_of(
    st.integers(-LARGEST, LARGEST),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: abs(x) <= LARGEST),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, text),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(text, inner, max_size=5)),
    max_leaves=12,
)


def check_that_it_hashes_the_same_through_parse_canonical_parse(value: object) -> None:
    first = parse(json.dumps(value))
    written = canonical(first)
    second = parse(written)
    assert repr(second) == repr(parse(canonical(second)))
    assert canonical(second) == written == canonical(value)
    assert digest("arguments", value) == digest("arguments", first) == digest("arguments", second)
    assert written == rfc8785.dumps(value)


@given(values)
@settings(max_examples=300, deadline=None, database=None)
def test_any_value_hashes_the_same_through_parse_canonical_parse(value: object) -> None:
    check_that_it_hashes_the_same_through_parse_canonical_parse(value)


def test_t05_ten_thousand_random_values_hash_the_same() -> None:
    chance = random.Random(1)
    for _ in range(10_000):
        check_that_it_hashes_the_same_through_parse_canonical_parse(any_value(chance))


RFC_NUMBERS = [
    # IEEE 754 bits and the form that RFC 8785, appendix B, gives them.
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]


@pytest.mark.parametrize(("bits", "written"), RFC_NUMBERS)
def test_doubles_are_written_as_rfc_8785_appendix_b_says(bits: str, written: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical(number) == written.encode()


def test_the_example_of_rfc_8785_section_3_2_2() -> None:
    value = json.loads(
        r"""{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
             "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"""
    )
    assert (
        canonical(value)
        == (
            '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
            '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
        ).encode()
    )


def test_keys_are_sorted_by_their_utf_16_units_as_rfc_8785_section_3_2_3_says() -> None:
    value = parse(
        r"""{"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
             "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control",
             "\u00f6": "Latin Small Letter O With Diaeresis"}"""
    )
    assert list(parse(canonical(value)).values()) == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


@pytest.mark.parametrize(
    ("text", "path", "says"),
    [
        ('{"to":"a","to":"b"}', "to", "twice"),
        ('{"arguments":{"items":[1,2,{"name":"a","name":"b"}]}}', "arguments.items[2].name", "twice"),
        ('{"a":[1,{"b":1E400}]}', "a[1].b", "beyond 2^53"),
        ('{"a":NaN}', "a", "NaN"),
        ('{"a":[-Infinity]}', "a[0]", "Infinity"),
        ('{"s":"\\ud800"}', "s", "surrogate"),
        ('{"s":["ok","\\u0000"]}', "s[1]", "NUL"),
        ('{"o":{"\\u0000":1}}', "o", "NUL"),
        ('{"o":{"\\udfff":1}}', "o", "surrogate"),
        ('{"n":9007199254740992}', "n", "2^53"),
        ('{"n":-9007199254740993}', "n", "2^53"),
        ('{"n":9007199254740993.0}', "n", "2^53"),
        ('{"n":1e17}', "n", "2^53"),
        ('{"n":1e-400}', "n", "survive"),
        ('{"n":1e-999999999999}', "n", "survive"),
        ('{"n":0.1000000000000000055}', "n", "survive"),
        ('{"n":12345678901.123456789}', "n", "survive"),
        ('{"odd key":{"x.y":NaN}}', '["odd key"]["x.y"]', "NaN"),
        ("", "", "not JSON"),
        ("{", "", "line 1"),
        ("[1,]", "", "not JSON"),
        ('{"a":1} 2', "", "not JSON"),
        ("'a'", "", "not JSON"),
        ('"\t"', "", "not JSON"),
        ("\ufeff1", "", "not JSON"),
        ('"unfinished \\', "", "not JSON"),
        ("01", "", "not JSON"),
        ("+1", "", "not JSON"),
        ("\u0661", "", "not JSON"),
    ],
)
def test_t05_what_two_readers_could_read_differently_is_refused_with_its_path(text: str, path: str, says: str) -> None:
    with pytest.raises(BadJSON) as refused:
        parse(text)
    assert refused.value.path == path
    assert says in refused.value.reason
    assert refused.value.http_status == 400


def test_the_path_of_the_whole_is_put_before_the_path_inside() -> None:
    with pytest.raises(BadJSON) as refused:
        parse('{"to":[NaN]}', at="arguments")
    assert refused.value.path == "arguments.to[0]"


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    for wrong in (b'"\xff"', b'"\xed\xa0\x80"', "\ufeff1".encode("utf-16")):
        with pytest.raises(BadJSON):
            parse(wrong)
    with pytest.raises(BadJSON, match="UTF-8"):
        parse('"\ud800"')


@pytest.mark.parametrize("written", ["1", "1.0", "1e0", "10e-1", "0.1e1", "1.000"])
def test_t05_one_number_written_in_many_ways_is_one_integer(written: str) -> None:
    value = parse(written)
    assert (type(value), value) == (int, 1)


@pytest.mark.parametrize("written", ["0", "-0", "0.0", "-0.0", "0e5", "-0e-5"])
def test_t05_zero_has_no_sign(written: str) -> None:
    assert str(parse(written)) == "0"


@pytest.mark.parametrize("written", ["0.1", "4.50", "2e-3", "1e-27", "-12.75", "333333333.3333333"])
def test_a_decimal_that_survives_a_double_is_kept(written: str) -> None:
    assert parse(written) == float(written)


def test_the_same_text_in_composed_and_decomposed_form_stays_two_values() -> None:
    assert digest("arguments", "\u00e9") != digest("arguments", "e\u0301")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 100_000, "deeper"),
        ("[" * 100_000 + "]" * 100_000, "deeper"),
        ('{"a":' * 100_000, "deeper"),
        ("9" * 900_000, "characters"),
        ("-" + "9" * 900_000, "characters"),
        ("0." + "9" * 900_000, "characters"),
        ("1e" + "9" * 900_000, "characters"),
        ("[" + ",".join(f'"{n}":1' for n in range(10_000)) + "]", "keys"),
        ("{" + ",".join(f'"{n}":1' for n in range(10_000)) + "}", "keys"),
        ("[" + "1," * 400_000 + "1]", "values"),
        ("[" + "[]," * 300_000 + "[]]", "values"),
        ('"' * 900_001, "values"),
        ('"' + '\\"' * 450_000, "not JSON"),
        ("\\" * 900_000, "not JSON"),
        ("9" * 10_000_000, "longer"),
        ("é" * 600_000, "longer"),
        ("{" * 10_000_000, "longer"),
    ],
    ids=range(17),
)
def test_t83_a_bomb_is_refused_in_under_100_ms(text: str, says: str) -> None:
    began = time.process_time()
    with pytest.raises(BadJSON, match=says):
        parse(text)
    assert time.process_time() - began < 0.1


def test_brackets_inside_strings_do_not_count() -> None:
    assert parse(json.dumps("[{" * 5_000)) == "[{" * 5_000
    assert parse(r'"\"[[[[\\"', max_depth=1) == '"[[[[\\'


def test_limits_are_the_callers() -> None:
    assert parse("[[1]]", max_depth=2) == [[1]]
    for options in ({"max_depth": 1}, {"max_bytes": 4}, {"max_values": 0, "max_depth": 1}):
        with pytest.raises(BadJSON):
            parse("[[1]]", **options)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": [1, math.nan]}, "a[1]"),
        ({"a": math.inf}, "a"),
        ({"a": 2**53}, "a"),
        ({"a": 10**100_000}, "a"),
        ({"a": {1: 2}}, "a"),
        ({"a": b"bytes"}, "a"),
        ({"a": ["\ud800"]}, "a[0]"),
        ({"a": {"x", "y"}}, "a"),
    ],
)
def test_a_value_without_a_canonical_form_is_refused_with_its_path(value: object, path: str) -> None:
    with pytest.raises(BadJSON) as refused:
        canonical(value)
    assert refused.value.path == path


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(BadJSON):
        canonical(loop)


def test_t06_a_digest_tells_kinds_and_fields_apart() -> None:
    assert digest("arguments", {}) != digest("request", {})
    assert digest("action", {"tool": "ab", "to": "c"}) != digest("action", {"tool": "a", "to": "bc"})
    assert digest("action", ["ab", "c"]) != digest("action", ["a", "bc"])
    with pytest.raises(ValueError):
        digest("arguments:1\n{}", {})


def test_the_digest_format_does_not_change_unnoticed() -> None:
    """Digests stand in permits and in the record: a change here is a new version number in the hash."""
    assert digest("arguments", {"to": "a", "n": 1}) == (
        "sha256:acb75613a1b49041f255570a368b686049ff399329e1f69364323c5d03e9da72"
    )
