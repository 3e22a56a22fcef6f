"""Whether a text holds a value, as a careful reader would find it there: numbers as numbers, days as days. Pure."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Final

from lam_app.planner.dates import spoken_dates
from traces.canonical import JSON

LONGEST: Final = 60_000
"""Characters of one text that are looked through; the model is shown a tenth of that."""
PROSE: Final = 4
"""Words from which on a text may be worded anew; a shorter one has to stand as it is."""
QUOTED: Final = 5
"""Words in a row that are no accident."""
SMALL: Final = frozenset(
    re.findall(
        r"\w+",
        "a an the and or of to for in on at by with from is are was were be been has have had it its this that these "
        "those i we you he she they my our your his her their me us them as so please dear hello hi regards about re",
    )
)
"""Words that say nothing by themselves. No negation is among them."""
SPELLED: Final = {
    word: Decimal(number)
    for number, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 1
    )
}
_BLANK = re.compile(r"[\s_]+")
_WORD = re.compile(r"[^\W_]+(?:[.,:/@'’+-][^\W_]+)*")
_NUMBER = re.compile(r"(?<![^\W_])-?\d+(?:[.,'’]\d+)*(?![^\W_])")
_PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?")
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](?P<time>\d{2}:\d{2})(?::(?P<seconds>\d{2}))?\S*)?")
_ENDING = re.compile(r"(?<=\w{3})(?:ing|ed|es|e|s|d)$")


class Wording:
    """A text, made ready to be looked through many times."""

    def __init__(self, text: str, today: date) -> None:
        self.text = text[:LONGEST]
        self.today = today

    def holds(self, value: JSON) -> bool:
        """Whether this very value stands here: a text word for word, a number or a day in any spelling."""
        if isinstance(value, bool) or value is None:
            return False
        if isinstance(value, int | float | Decimal):
            number = _decimal(str(value))
            return number is not None and number in self._numbers
        if not isinstance(value, str):
            return False
        return self._stands(value) or self._is_number(value) or self._is_day(value)

    def has_word(self, word: str) -> bool:
        """Whether a word stands here, in whatever form of it."""
        number = _decimal(word)
        return stem(word) in self._stems or (number is not None and number in self._numbers)

    def quoted_in(self, value: JSON) -> bool:
        """Whether ``value`` repeats words of this text in a row, too many for an accident."""
        words = _words(value) if isinstance(value, str) else []
        rows = (" ".join(words[at : at + QUOTED]) for at in range(len(words) - QUOTED + 1))
        return any(_within(row, self._in_a_row) for row in rows)

    def _stands(self, value: str) -> bool:
        wanted = _core(folded(value))
        if not wanted:
            return False
        if _within(wanted, self._folded):
            return True
        # An account number is the same with and without its blanks.
        tight = _tight(wanted)
        return len(tight) >= 8 and any(c.isdigit() for c in tight) and tight in self._squeezed

    def _is_number(self, value: str) -> bool:
        return bool(_PLAIN_NUMBER.fullmatch(value)) and _decimal(value) in self._numbers

    def _is_day(self, value: str) -> bool:
        match = _DAY.fullmatch(value.strip())
        if match is None or match[1] not in self._days:
            return False
        time = match["time"]
        if time is None or (time == "00:00" and match["seconds"] in (None, "00")):
            return True
        return match["seconds"] in (None, "00") and any(
            _within(form, self._folded) for form in (time, time.removeprefix("0"))
        )

    @cached_property
    def _folded(self) -> str:
        return folded(self.text)

    @cached_property
    def _squeezed(self) -> str:
        return _tight(self._folded)

    @cached_property
    def _in_a_row(self) -> str:
        return " ".join(_words(self.text))

    @cached_property
    def _stems(self) -> frozenset[str]:
        return frozenset(stem(word) for word in _words(self.text))

    @cached_property
    def _days(self) -> frozenset[str]:
        return frozenset(spoken.day.isoformat() for spoken in spoken_dates(self.text, self.today))

    @cached_property
    def _numbers(self) -> frozenset[Decimal]:
        found = {number for match in _NUMBER.finditer(self.text) for number in _readings(match[0])}
        return frozenset(found | {SPELLED[word] for word in _words(self.text) if word in SPELLED})


def folded(text: str) -> str:
    """The text with its case, its look-alike forms and its kinds of blank made one."""
    return _BLANK.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def stem(word: str) -> str:
    """A word without its ending, so that "refunded" is found in "refund it"."""
    return _ENDING.sub("", word)


def plain_words(value: JSON) -> list[str]:
    """The words of a text that is long enough to be worded anew, but those that say nothing; none of a shorter one."""
    words = _words(value) if isinstance(value, str) else []
    return [word for word in words if word not in SMALL] if len(words) >= PROSE else []


def said_by_chance(value: JSON) -> bool:
    """Whether a value is so short that two people may well write it without one having it from the other."""
    words = _words(str(value))
    if len(words) > 1:
        return False
    word = words[0] if words else ""
    digits = sum(c.isdigit() for c in word)
    return not ("@" in word or digits >= 3 or (digits and len(word) >= 4))


def leaves(value: JSON) -> Iterator[str]:
    """Every text and number in a value, and the names of its members, as text."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def echoless(result: JSON, asked: Mapping[str, JSON], *, everywhere: bool) -> str:
    """What a result says beyond the arguments that it answers. ``everywhere``: inside longer texts of it too."""
    echoes = {_core(folded(leaf)) for inner in asked.values() for leaf in leaves(inner)} - {""}
    told = []
    for leaf in leaves(result):
        if _core(folded(leaf)) in echoes:
            continue
        text = leaf
        if everywhere:
            for echo in sorted(echoes, key=lambda one: (-len(one), one)):
                if _within(echo, folded(text)):
                    text = re.sub(_edged(echo), " … ", folded(text))
        told.append(text)
    return "\n".join(told)


def _words(text: str) -> list[str]:
    return _WORD.findall(folded(text))


def _core(text: str) -> str:
    """Without the marks around it, and without small words before and behind."""
    words = text.split(" ")
    while len(words) > 1 and words[0] in SMALL:
        words.pop(0)
    while len(words) > 1 and words[-1] in SMALL:
        words.pop()
    return re.sub(r"^\W+|\W+$", "", " ".join(words))


def _edged(text: str) -> str:
    return rf"(?<![^\W_]){re.escape(text)}(?![^\W_])"


def _within(wanted: str, text: str) -> bool:
    """Whether it stands there and does not begin or end inside a word."""
    return wanted in text and re.search(_edged(wanted), text) is not None


def _tight(text: str) -> str:
    return text.replace(" ", "").replace("-", "")


def _readings(spelled: str) -> Iterator[Decimal]:
    """The numbers that a spelling can mean: 1,200 is twelve hundred here and one and a fifth there."""
    plain = spelled.replace("'", "").replace("’", "")
    for text in {plain, plain.replace(",", ""), plain.replace(".", "").replace(",", ".")}:
        number = _decimal(text)
        if number is not None:
            yield number


def _decimal(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
