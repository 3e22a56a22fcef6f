"""The days that a text speaks of, found in code, because models are bad at calendars. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
          "december")  # fmt: skip
_MONTH = "|".join(f"{month[:3]}(?:{month[3:]})?" for month in MONTHS)
_SPOKEN = re.compile(
    rf"\b(?:(?P<iso>\d{{4}}-\d{{2}}-\d{{2}})|(?P<near>today|tomorrow|yesterday|day after tomorrow)"
    rf"|in (?P<count>\d{{1,3}}) (?P<unit>days?|weeks?)|(?P<next>next |last )?(?P<weekday>{'|'.join(DAYS)})"
    rf"|(?P<day1>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<month1>{_MONTH})\b(?:,? (?P<year1>\d{{4}}))?"
    rf"|(?P<month2>{_MONTH}) (?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (?P<year2>\d{{4}}))?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Spoken:
    """Words of a text, where they stand, and the day that they mean."""

    words: str
    start: int
    end: int
    day: date


def spoken_dates(text: str, today: date) -> Iterator[Spoken]:
    """Every day named in `text`, seen from `today`; a weekday is the next one to come, a date without a year too."""
    for match in _SPOKEN.finditer(text):
        try:
            day = _day(match, today)
        except (ValueError, OverflowError):
            continue  # the 31st of February
        yield Spoken(match[0], match.start(), match.end(), day)


def _day(match: re.Match[str], today: date) -> date:
    if match["iso"]:
        return date.fromisoformat(match["iso"])
    if match["near"]:
        offset = {"today": 0, "tomorrow": 1, "yesterday": -1, "day after tomorrow": 2}[match["near"].lower()]
        return today + timedelta(days=offset)
    if match["count"]:
        return today + timedelta(days=int(match["count"]) * (7 if match["unit"].lower().startswith("week") else 1))
    return _weekday(match, today) if match["weekday"] else _of_month(match, today)


def _weekday(match: re.Match[str], today: date) -> date:
    ahead = (DAYS.index(match["weekday"].lower()) - today.weekday()) % 7
    if (match["next"] or "").lower() == "last ":
        return today - timedelta(days=(-ahead) % 7 or 7)
    return today + timedelta(days=ahead or 7)


def _of_month(match: re.Match[str], today: date) -> date:
    which = "1" if match["month1"] else "2"
    begins = match[f"month{which}"].lower()[:3]
    month = next(number for number, name in enumerate(MONTHS, 1) if name.startswith(begins))
    named, year = int(match[f"day{which}"]), match[f"year{which}"]
    if year:
        return date(int(year), month, named)
    found = date(today.year, month, named)
    return found if found >= today else date(today.year + 1, month, named)
