"""Text as a reviewer may be shown it, in pieces that a page can mark: the unseen is named by its code point. Pure.

``tools.text`` knows which characters lie; this module only cuts the text at them, so that a mark of ours can never be
mistaken for the text's own: markup carries it, and text cannot contain markup.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from tools.text import PADDING, SPACES, code_point, is_odd, odd_characters, punycode, scripts

FOLD_CHARACTERS: Final = 400
FOLD_LINES: Final = 8
_PADDING: Final = re.compile(f"{PADDING.pattern}|{SPACES.pattern}")


@dataclass(frozen=True)
class Piece:
    """A stretch of text, a character named by its code point, or a remark of ours about padding."""

    kind: Literal["text", "code", "gap"]
    text: str


def pieces(text: str) -> Iterator[Piece]:
    """The text in order: odd characters as ``U+202E``, padding that would push the rest out of sight as a count."""
    end = 0
    for run in _PADDING.finditer(text):
        yield from _plain(text[end : run.start()])
        lines = run.group().count("\n") - 1
        yield Piece("gap", f"{lines} blank lines" if lines > 0 else f"{len(run.group())} spaces")
        end = run.end()
    yield from _plain(text[end:])


def _plain(text: str) -> Iterator[Piece]:
    start = 0
    for index, character in enumerate(text):
        if is_odd(character, long=True):
            if index > start:
                yield Piece("text", text[start:index])
            yield Piece("code", code_point(character))
            start = index + 1
    if start < len(text):
        yield Piece("text", text[start:])


def oddities(text: str) -> list[str]:
    """What a reader should know about a text before trusting their eyes, in sentences."""
    remarks: list[str] = []
    hidden = sum(1 for _ in odd_characters(text, long=True))
    if hidden:
        noun = "character is" if hidden == 1 else "characters are"
        remarks.append(f"{hidden} unusual {noun} shown as code points.")
    mixed = scripts(text)
    if mixed:
        remarks.append(f"A word mixes letters that look alike: {' and '.join(mixed)}.")
    encoded = punycode(text) if "\n" not in text and len(text) < FOLD_CHARACTERS and "@" in text else None
    if encoded:
        remarks.append(f"The address is really {encoded}.")
    return remarks


def needs_folding(text: str) -> bool:
    """Whether a value is folded with its length, to be opened before it counts as seen."""
    return len(text) > FOLD_CHARACTERS or text.count("\n") > FOLD_LINES
