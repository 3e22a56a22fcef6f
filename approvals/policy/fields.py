"""Reading the fields of one JSON object, one by one, so that whatever is wrong is known with its path.

Each reader answers something usable even for a wrong value, so that reading goes on and every problem is found at
once; whoever reads refuses the whole if there were any.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from approvals.policy.values import amount_problem, number
from tools.text import odd_characters
from traces.canonical import at_key

Problems = list[tuple[str, str]]
"""Path and message of everything that is wrong so far."""

_Word = TypeVar("_Word", bound=StrEnum)
LONGEST_NAME = 120


class Fields:
    """One JSON object at a path. Fields that nobody asked for are told by `no_others`."""

    def __init__(self, value: object, path: str, problems: Problems) -> None:
        self.path, self._problems = path, problems
        self._asked: set[str] = set()
        self._value: Mapping[str, Any] = {}
        if isinstance(value, Mapping):
            self._value = value
        else:
            self.wrong("", "must be an object")

    def wrong(self, name: str, message: str) -> None:
        """Remember what is wrong with a field, or with the whole where the name is empty."""
        self._problems.append((self._at(name) if name else self.path, message))

    def names(self) -> list[str]:
        """The names of all fields, where the object is a table of somebody's own names."""
        self._asked |= set(self._value)
        for name in self._value:
            self._plain(name, name)
        return list(self._value)

    def no_others(self) -> None:
        """Tell of every field that nobody asked for."""
        for name in self._value:
            if name not in self._asked:
                self.wrong(name, "no such entry is known")

    def text(self, name: str, *, needed: bool = False, longest: int = LONGEST_NAME) -> str:
        """Plain text without odd characters; empty where it is left out."""
        value = self._get(name)
        if value is None and not needed:
            return ""
        if not isinstance(value, str):
            self.wrong(name, "is missing" if value is None else "must be text")
            return ""
        if needed and not value.strip():
            self.wrong(name, "must not be empty")
        self._plain(name, value, longest)
        return value

    def texts(self, name: str, *, needed: bool = False, most: int = 50) -> list[str]:
        """A list of texts; empty only where it is left out, because an empty one might stand for none or for any."""
        found = []
        for index, value in enumerate(self._list(name, most, needed=needed or name in self._value)):
            at = f"{name}[{index}]"
            if isinstance(value, str) and value.strip():
                self._plain(at, value)
                found.append(value)
            else:
                self.wrong(at, "must be text that is not empty")
        return found

    def text_or_number(self, name: str) -> str:
        """Text, or an exact number as text."""
        value = self._get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.text(name, needed=True, longest=400)

    def whole(self, name: str, default: int | None, *, least: int = 0, most: int) -> int:
        """A whole number within bounds; without a default it must be there."""
        value = self._get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.wrong(name, "is missing" if value is None else f"must be a whole number from {least} to {most}")
            return least
        return value

    def exact(self, name: str, default: Decimal | None = None, *, signed: bool = False) -> Decimal:
        """A decimal number, written as text or as a whole number: a binary fraction is not what was meant."""
        value = self._get(name)
        if value is None and default is not None:
            return default
        found = None if isinstance(value, float) else number(value)
        if found is None:
            self.wrong(name, "is missing" if value is None else 'must be a decimal number as text, such as "200.00"')
            return Decimal(0)
        problem = amount_problem(f"{abs(found) if signed else found:f}")
        if problem:
            self.wrong(name, problem)
            return Decimal(0)
        return found

    def share(self, name: str, default: float) -> float:
        """A number from 0 to 1."""
        value = self._get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            self.wrong(name, "must be a number from 0 to 1")
            return default
        return float(value)

    def word(self, name: str, kind: type[_Word], default: _Word | None = None) -> _Word | None:
        """One of the known words; without a default it must be there. None for what is none."""
        value = self._get(name)
        if value is None and default is not None:
            return default
        return self.known(name, value, kind)

    def known(self, name: str, value: object, kind: type[_Word]) -> _Word | None:
        """The known word that a value is, or None and a problem."""
        if isinstance(value, str) and value in set(kind):
            return kind(value)
        message = f"must be one of {', '.join(kind)}"
        self.wrong(name, f"is missing, and {message}" if value is None else message)
        return None

    def object(self, name: str) -> "Fields | None":
        """An object inside this one; None where it is left out."""
        value = self._get(name)
        return None if value is None else Fields(value, self._at(name), self._problems)

    def objects(self, name: str, *, most: int) -> Iterator["Fields"]:
        """The objects of a list; none where it is left out."""
        for index, value in enumerate(self._list(name, most)):
            fields = Fields(value, f"{self._at(name)}[{index}]", self._problems)
            if isinstance(value, Mapping):
                yield fields

    def _list(self, name: str, most: int, *, needed: bool = False) -> list[Any]:
        value = self._get(name)
        if value is None and not needed:
            return []
        if not isinstance(value, list) or (needed and not value):
            self.wrong(name, "must be a list that is not empty" if needed else "must be a list")
            return []
        if len(value) > most:
            self.wrong(name, f"has {len(value)} entries; the most is {most}")
        return value[:most]

    def _get(self, name: str) -> Any:
        self._asked.add(name)
        value = self._value.get(name)
        if value is None and name in self._value:
            self.wrong(name, "must not be null")
        return value

    def _plain(self, name: str, value: str, longest: int = LONGEST_NAME) -> None:
        if len(value) > longest:
            self.wrong(name, f"longer than {longest} characters")
        odd = next(odd_characters(value), None)
        if odd is not None:
            self.wrong(name, f"holds {odd.code} ({odd.name}) at character {odd.place + 1}")

    def _at(self, name: str) -> str:
        head, bracket, index = name.partition("[") if name.endswith("]") else (name, "", "")
        return f"{at_key(self.path, head)}{bracket}{index}"
