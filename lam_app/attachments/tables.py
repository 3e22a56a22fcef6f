"""Text that is a table: the same columns in every row. Read strictly within limits. Pure."""

import csv
import io
import re
from typing import Final

from lam_app.attachments.exceptions import AttachmentRefused

MOST_ROWS: Final = 20_000
MOST_COLUMNS: Final = 200
LONGEST_CELL: Final = 10_000
SEPARATORS: Final = (",", ";", "\t")
LOOKED_AT: Final = 20
"""Rows by which it is told that a text is a table."""
# No character has two places in it: on a cell that never fits, another reading of the same blanks would cost minutes.
_FORMULA: Final = re.compile(r"[\s'\"]*(?:[=@]|[+-](?![\d.,\s]*(?:[eE]\d+\s*)?%?$))")


def read(text: str) -> list[str] | None:
    """What to know of the table that a text is, in sentences; None where it is none.

    Raises AttachmentRefused for a table beyond the limits.
    """
    separator = next((one for one in SEPARATORS if _is_table(text, one)), None)
    if separator is None:
        return None
    rows = columns = formulas = 0
    ragged = False
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            if not row:
                continue
            rows += 1
            if len(row) > MOST_COLUMNS:
                raise AttachmentRefused(f"has {len(row):,} columns; {MOST_COLUMNS} are the most.")
            if rows > MOST_ROWS:
                raise AttachmentRefused(f"has more than {MOST_ROWS:,} rows.")
            if any(len(cell) > LONGEST_CELL for cell in row):
                raise AttachmentRefused(f"has a cell of more than {LONGEST_CELL:,} characters in row {rows:,}.")
            ragged = ragged or (columns > 0 and len(row) != columns)
            columns = columns or len(row)
            formulas += sum(1 for cell in row if _FORMULA.match(cell))
    except csv.Error as error:
        raise AttachmentRefused(f"cannot be read as a table in row {rows + 1}: {error}.") from None
    notes = [f"A table of {columns} columns and {rows} rows."]
    if ragged:
        notes.append("Some rows have another number of columns than the first.")
    if formulas:
        notes.append(
            f"{formulas} cell{'s begin' if formulas > 1 else ' begins'} like a formula: a spreadsheet may run "
            f"{'them' if formulas > 1 else 'it'}, nothing here does."
        )
    return notes


def _is_table(text: str, separator: str) -> bool:
    """Whether the first rows all have the same number of columns, and more than one."""
    counts = set()
    rows = 0
    for line in io.StringIO(text):
        if not line.strip():
            continue
        counts.add(_outside_quotes(line, separator))
        rows += 1
        if rows == LOOKED_AT:
            break
    return rows > 1 and len(counts) == 1 and counts.pop() > 0


def _outside_quotes(line: str, separator: str) -> int:
    return re.sub(r'"[^"]*"', "", line).count(separator)
