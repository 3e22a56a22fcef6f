"""A pattern is said in words where it has plain ones, and shown as it is where not."""

import pytest

from tools.pattern_words import in_words


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"^[0-9]{1,9}(\.[0-9]{1,2})?$", "must be 1 to 9 digits, then perhaps “.” and 1 to 2 digits"),
        (r"^[A-Z]{2}-[0-9]{4}$", "must be 2 capital letters, then “-”, then 4 digits"),
        (r"^[A-Za-z0-9_.-]{1,64}$", "must be 1 to 64 letters, digits, “_”, “.” or “-”"),
        (r"^\d+$", "must be one or more digits"),
        (r"^[a-z]*\Z", "must be any number of small letters"),
        (r"^.{3,}$", "must be at least 3 characters"),
        (r"^(KTL|ABC)-\d{1,3}$", "must be “KTL” or “ABC”, then “-”, then 1 to 3 digits"),
        (r"^EUR", "must begin with “EUR”"),
        (r"EUR$", "must end with “EUR”"),
        (r"@", "must contain “@”"),
    ],
)
def test_what_has_plain_words_is_said_in_them(pattern: str, words: str) -> None:
    assert in_words(pattern) == words


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[^x]+$",
        r"^[a-f]+$",
        r"^(?:ab)+$",
        r"^a$|^b$",
        r"^a\b",
        r"^(?i:a)$",
        r"^(a)\1$",
        r"^",
        "a-b-" * 3 + r"\d\d" * 9,
    ],
)
def test_what_has_none_is_shown_as_it_is(pattern: str) -> None:
    assert in_words(pattern) == f"must match {pattern}"
