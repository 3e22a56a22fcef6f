"""Characters that lie: invisible, reordering or look-alike ones, made visible or refused. Pure.

In long text they are shown by their code point, because languages and emoji need some of them; in identifiers, where a
person compares letter by letter, they are refused.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

_LAYOUT = frozenset("\n\t")
_ODD_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK_MARKS = frozenset("\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Drawn as nothing, though Unicode does not file them under format characters."""
PADDING = re.compile(r"\n(?:[^\S\n]*\n){4,}")
"""Four empty lines in a row or more push what follows out of sight; they are shown as a count."""
SPACES = re.compile(r"[^\S\n]{40,}")
"""Forty blanks in a row or more do the same on one line."""
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "HEBREW", "ARABIC", "CHEROKEE", "COPTIC", "GEORGIAN", "FULLWIDTH")
_WORD = re.compile(r"[^\W\d_]+")


class Odd(NamedTuple):
    """One character that must not pass unseen."""

    place: int
    """From 0."""
    code: str
    """Its code point, such as `U+202E`."""
    name: str
    """Its Unicode name in lower case, or its kind where it has no name."""


def is_odd(character: str, *, long: bool = False) -> bool:
    """Whether a character is invisible, reorders others, or controls a device; `long` text may have lines and tabs."""
    if "\x20" <= character <= "\x7e":
        return False
    if character in _LAYOUT:
        return not long
    if unicodedata.category(character) in _ODD_CATEGORIES or character in _BLANK_MARKS:
        return True
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def odd_characters(text: str, *, long: bool = False) -> Iterator[Odd]:
    """Every odd character with its place, in order."""
    if text.isascii() and text.isprintable():
        return
    for index, character in enumerate(text):
        if is_odd(character, long=long):
            yield Odd(index, code_point(character), unicodedata.name(character, _kind(character)).lower())


def control_characters(text: str) -> Iterator[Odd]:
    """Control characters other than newline and tab: they have no business in any argument."""
    return (odd for odd in odd_characters(text, long=True) if unicodedata.category(text[odd.place]) in {"Cc", "Cs"})


def code_point(character: str) -> str:
    return f"U+{ord(character):04X}"


def display(text: str, *, one_line: bool = False, limit: int | None = None) -> str:
    """Text as a person may safely be shown it: odd characters as `⟨U+202E⟩`, padding as a count, cut at `limit`.

    `one_line` shows line breaks as ⏎, for headlines and buttons. What is left out is counted in the text itself.
    """
    shown = PADDING.sub(lambda run: f"\n⟨{run.group().count(chr(10)) - 1} blank lines⟩\n", text)
    shown = SPACES.sub(lambda run: f" ⟨{len(run.group())} spaces⟩ ", shown)
    if not (shown.isascii() and shown.isprintable()):
        shown = "".join(f"⟨{code_point(c)}⟩" if is_odd(c, long=True) else c for c in shown)
    if one_line:
        shown = shown.replace("\n", " ⏎ ").replace("\t", " ")
    if limit is not None and len(shown) > limit:
        shown = f"{shown[:limit].rstrip()}… ({len(text)} characters)"
    return shown


def scripts(text: str) -> tuple[str, ...]:
    """The scripts that share one word of `text`, where a word mixes several, such as Latin and Cyrillic."""
    if text.isascii():
        return ()
    for word in _WORD.findall(text):
        found = {unicodedata.name(letter, "?").split(" ")[0] for letter in word} & set(_SCRIPTS)
        if len(found) > 1:
            return tuple(sorted(name.capitalize() for name in found))
    return ()


def punycode(address: str) -> str | None:
    """The `xn--` form of an address's host when it has letters outside ASCII, so that look-alikes cannot hide."""
    _, _, host = address.rpartition("@")
    if host.isascii():
        return None
    try:
        return address[: len(address) - len(host)] + host.encode("idna").decode("ascii")
    except UnicodeError:
        return None


_SAME_SHAPE = str.maketrans(
    {"0": "o", "1": "l", "i": "l", "5": "s", "8": "b", "2": "z", "_": None, ".": None, "-": None}
)


def skeleton(name: str) -> str:
    """Equal for names that a person may take for each other: `send_emai1` and `send_email`, `burn` and `bum`."""
    return name.lower().replace("rn", "m").replace("vv", "w").replace("cl", "d").translate(_SAME_SHAPE)


def _kind(character: str) -> str:
    return {
        "Cc": "control character",
        "Cs": "half of a surrogate pair",
        "Co": "private character",
        "Cn": "unassigned character",
    }.get(unicodedata.category(character), "invisible character")
