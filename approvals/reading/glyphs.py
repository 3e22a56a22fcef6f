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
_HOST: Final = re.compile(r"(?:[\w.+-]+@)?(?:[\w-]+\.)+[^\W\d_]{2,24}\b")
"""An address or the name of a host, as far as an eye would take it for one."""
_LETTERS: Final = re.compile(r"[^\W\d_]{2,}")
_CYRILLIC: Final = "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0456\u0458\u0455\u0501\u051b\u051d\u04bb\u04cf"
_CAPITALS: Final = "\u0410\u0412\u0415\u0405\u0406\u0408\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425"
_GREEK: Final = "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf"
_TWINS: Final = frozenset(_CYRILLIC + _CAPITALS + _GREEK)


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
    if text and text.isascii() and text.isprintable():
        yield Piece("text", text)
        return
    start = 0
    for index, character in enumerate(text):
        if is_odd(character, long=True):
            if index > start:
                yield Piece("text", text[start:index])
            yield Piece("code", code_point(character))
            start = index + 1
    if start < len(text):
        yield Piece("text", text[start:])


def oddities(text: str, *, target: bool = False) -> list[str]:
    """What a reader should know about a text before trusting their eyes, in sentences.

    ``target`` is for texts that say whom or what a call is about: there a word is also told of whose letters are all
    of another alphabet and look like ours, which in a sentence would be an ordinary word of another language.
    """
    remarks: list[str] = []
    hidden = sum(1 for _ in odd_characters(text, long=True))
    if hidden:
        noun = "character is" if hidden == 1 else "characters are"
        remarks.append(f"{hidden} unusual {noun} shown as code points.")
    blank = max((run.group().count("\n") - 1 for run in PADDING.finditer(text)), default=0)
    if blank:
        remarks.append(f"{blank} blank lines in a row push what follows out of sight.")
    mixed = scripts(text)
    if mixed:
        remarks.append(f"A word mixes letters that look alike: {' and '.join(mixed)}.")
    elif target and (twin := look_alike(text)):
        remarks.append(f"“{twin}” is written in letters of another alphabet that look like ours.")
    if not text.isascii():
        remarks += [f"The address is really {encoded}." for encoded in _encoded(text)]
    return remarks


def look_alike(text: str) -> str:
    """The first word of Cyrillic or Greek letters of which every one is drawn like a Latin one; empty if none is.

    A small table of our own, of the letters that UTS 39 calls confusable and that common typefaces draw alike. It is
    meant for names and addresses and does not claim to know every script.
    """
    for word in _LETTERS.findall(text):
        if all(letter in _TWINS for letter in word):
            return str(word)
    return ""


def _encoded(text: str) -> list[str]:
    """The ``xn--`` form of every host in the text that has letters outside ASCII, each once, three at most."""
    hosts = dict.fromkeys(one.group() for one in _HOST.finditer(text[:FOLD_CHARACTERS]) if not one.group().isascii())
    return [encoded for host in list(hosts)[:3] if (encoded := punycode(host)) is not None]


def needs_folding(text: str) -> bool:
    """Whether a value is folded with its length, to be opened before it counts as seen."""
    return len(text) > FOLD_CHARACTERS or text.count("\n") > FOLD_LINES
