"""Characters that lie are made visible, look-alike names share a skeleton, and padding is counted."""

import time
import unicodedata

import pytest

from tools.text import code_point, control_characters, display, is_odd, odd_characters, punycode, scripts, skeleton

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e\u3164\uffa0\u2800"
TAGS = "".join(map(chr, range(0xE0001, 0xE0080)))
VARIATIONS = "\ufe00\ufe0f\U000e0100\U000e01ef"
CONTROLS = "".join(map(chr, [*range(0x20), 0x7F, 0x85, 0x9B]))


@pytest.mark.parametrize("group", [BIDI, ZERO_WIDTH, TAGS, VARIATIONS, "\u2028\u2029", "\ue000", "\ud800", "\uffff"])
def test_t44_invisible_and_reordering_characters_are_odd_everywhere(group: str) -> None:
    for character in group:
        assert is_odd(character), code_point(character)
        assert is_odd(character, long=True), code_point(character)
        assert display(f"a{character}b") == f"a⟨{code_point(character)}⟩b"


def test_control_characters_are_odd_but_long_text_may_have_lines_and_tabs() -> None:
    assert all(is_odd(character) for character in CONTROLS)
    assert [character for character in CONTROLS if not is_odd(character, long=True)] == ["\t", "\n"]
    assert "".join(f"{odd.code} " for odd in control_characters("a\n\x1b\u202e\x85")) == "U+001B U+0085 "


@pytest.mark.parametrize(
    "text", ["Grüße", "Привет", "日本語", "مرحبا", "שלום", "नमस्ते", "한국어", "a b", "€ 5 – “x”", "👍"]
)
def test_ordinary_letters_of_any_language_are_not_odd(text: str) -> None:
    assert list(odd_characters(text)) == []
    assert display(text) == text


def test_an_odd_character_is_told_with_place_code_and_name() -> None:
    (found,) = odd_characters("pay\u202epal")
    assert found == (3, "U+202E", "right-to-left override")
    (found,) = odd_characters("\x07")
    assert found.name == "control character"


def test_t43_padding_is_counted_instead_of_shown() -> None:
    assert display("first\n" + "\n" * 2_000 + "rm -rf") == "first\n⟨2000 blank lines⟩\nrm -rf"
    assert display("a" + " " * 500 + "b") == "a ⟨500 spaces⟩ b"
    assert display("a\n\n\nb") == "a\n\n\nb"


def test_a_headline_stays_on_one_line_and_is_cut_with_its_length() -> None:
    assert display("a\nb\tc", one_line=True) == "a ⏎ b c"
    assert display("x" * 300, limit=10) == "xxxxxxxxxx… (300 characters)"
    assert "\n" not in display("a" + "\n" * 50 + "b", one_line=True)


@pytest.mark.parametrize(
    "text", ["\n" * 500_000, "\n " * 300_000, " " * 500_000, " \n" * 300_000 + "x", "a " * 300_000]
)
def test_showing_a_huge_text_takes_linear_time(text: str) -> None:
    began = time.process_time()
    display(text, limit=200)
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("send_email", "send_emai1"),
        ("send_email", "send.email"),
        ("send_email", "sendemail"),
        ("send_email", "send_emaii"),
        ("burn", "bum"),
        ("dose", "close"),
        ("window", "vvindow"),
        ("book", "b00k"),
    ],
)
def test_t47_names_that_look_alike_share_a_skeleton(name: str, other: str) -> None:
    assert skeleton(name) == skeleton(other)


def test_t47_names_that_differ_do_not() -> None:
    names = [
        "send_email",
        "send_message",
        "refund",
        "add_note",
        "delete_note",
        "read_order",
        "list_orders",
        "get_order",
    ]
    assert len({skeleton(name) for name in names}) == len(names)


def test_t45_a_word_that_mixes_scripts_is_told() -> None:
    assert scripts("p\u0430ypal.com") == ("Cyrillic", "Latin")
    assert scripts("paypal.com Привет") == ()
    assert scripts("ασ\u0441") == ("Cyrillic", "Greek")


def test_t45_a_host_with_letters_outside_ascii_has_its_xn_form() -> None:
    assert punycode("ann@p\u0430ypal.com") == "ann@xn--pypal-4ve.com"
    assert punycode("bücher.example") == "xn--bcher-kva.example"
    assert punycode("ann@example.org") is None
    assert punycode("ann@" + "ü" * 80) is None


def test_every_format_character_of_unicode_is_odd() -> None:
    formats = [chr(n) for n in range(0x110000) if unicodedata.category(chr(n)) == "Cf"]
    assert len(formats) > 150
    assert all(is_odd(character) for character in formats)
