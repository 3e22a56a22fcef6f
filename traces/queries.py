"""Reads of remembered model calls: narrowed by what somebody looks for, newest first, a bounded part at a time."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import connection, models

from traces.ids import LAST, NIL

if TYPE_CHECKING:
    from traces.models import Trace  # noqa: F401

_SAYING: Final = (
    "SELECT traces_saying(%(within)s, %(words)s, %(run)s, %(agent)s, %(tool)s, %(model)s, %(failed)s, %(since)s,"
    " %(below)s, %(most)s)"
)


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for among model calls; whatever is empty narrows nothing.

    ``since`` and ``below`` are ids, which rise with time: the first of the calls that count, and the first that does
    not. ``words`` all have to stand in the call's own words, or all in one piece of its prompt.
    """

    words: str = ""
    run: uuid.UUID | None = None
    agent: uuid.UUID | None = None
    tool: str = ""
    model: str = ""
    failed: bool = False
    since: uuid.UUID = NIL
    below: uuid.UUID = LAST


@dataclass(frozen=True)
class Hits:
    """Ids of calls, newest first; ``all`` is False where pieces of prompts were too many to look at every one."""

    ids: list[uuid.UUID]
    all: bool = True


class TraceQuerySet(models.QuerySet["Trace"]):
    """Reads of model calls, always inside one organization."""

    def within(self, organization: uuid.UUID) -> TraceQuerySet:
        """One organization's calls, newest first."""
        return self.filter(organization=organization).order_by("-id")

    def of_run(self, organization: uuid.UUID, run: uuid.UUID) -> TraceQuerySet:
        """The calls of one run in the order in which they were made."""
        return self.filter(organization=organization, run=run).order_by("id")

    def narrowed(self, wanted: Wanted) -> TraceQuerySet:
        """Those that somebody looks for, but for the words."""
        found = self.filter(id__gte=wanted.since, id__lt=wanted.below)
        named = {"run": wanted.run, "agent": wanted.agent, "chosen": wanted.tool, "model": wanted.model}
        found = found.filter(**{name: value for name, value in named.items() if value})
        return found.exclude(error="") if wanted.failed else found

    def hits(self, organization: uuid.UUID, wanted: Wanted, most: int) -> Hits:
        """At most so many of one organization's calls, newest first. One query.

        Words are looked for by the database's own function, because row security keeps indexes of words from use.
        """
        if not wanted.words.strip():
            rows = self.within(organization).narrowed(wanted)
            return Hits(list(rows.values_list("id", flat=True)[:most]))
        asked = {**wanted.__dict__, "within": organization, "most": most}
        with connection.cursor() as cursor:
            cursor.execute(_SAYING, asked)
            found = [row[0] for row in cursor.fetchall()]
        ids = [one for one in found if one is not None]
        return Hits(ids, all=len(ids) == len(found))
