"""What the sealer does for those who ask: it verifies an organization's record, or writes it into a file. Reads."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from django.db.models import Count, Sum

from traces import checkpoints, excerpts
from traces.chain import Statement, moment
from traces.exceptions import DomainError, ExportBroken
from traces.exporting import beginning, ended, ending, feed, forgotten_since, in_slices, lines
from traces.inquiry import Inquiry
from traces.models import Block, BlockQuerySet
from traces.proving import told_erased
from traces.sealer import Signer
from traces.verifier import Report, Signed, Verifier
from traces.working import Step

MOST_EVENTS: Final = 1_000_000
"""Events of one export that is fetched from a page. The command writes any number."""
PROBLEMS_TOLD: Final = 20


class TooMuch(DomainError):
    """These are more events than a page gives out. Choose fewer days, or use the command at the shell."""


class NothingThere(DomainError):
    """Nothing was sealed in these days."""


def verification(public: Callable[[], Signed], outside: Path) -> Callable[[Inquiry], Iterator[Step]]:
    """Verify the record against the keys and the checkpoints that lie outside the database."""

    def steps(inquiry: Inquiry) -> Iterator[Step]:
        signed = public()
        kept = _outside(outside, str(inquiry.organization), signed)
        blocks = Block.objects.of(inquiry.organization)
        upto = blocks.aggregate(events=Sum("count"))["events"] or 0
        verifier = Verifier(str(inquiry.organization), signed, outside={at: one.head for at, one in kept.items()})
        yield Step(expected=upto)
        last: Block | None = None
        for last, rows in in_slices(blocks):
            feed(verifier, last, rows)
            yield Step(seen=verifier.report.events)
        report = ended(verifier, inquiry.organization, last)
        yield Step(seen=report.events, found=_found(report, blocks, kept))

    return steps


def export(signer: Signer) -> Callable[[Inquiry], Iterator[Step]]:
    """Write the record as JSON Lines: all of it, or an excerpt with the blocks that were sealed in some days."""

    def steps(inquiry: Inquiry) -> Iterator[Step]:
        blocks = Block.objects.of(inquiry.organization)
        if inquiry.since:
            blocks = blocks.filter(sealed_at__gte=inquiry.since)
        if inquiry.until:
            blocks = blocks.filter(sealed_at__lt=inquiry.until)
        told = blocks.aggregate(blocks=Count("pk"), events=Sum("count"))
        if not told["blocks"]:
            raise NothingThere
        if told["events"] > MOST_EVENTS:
            raise TooMuch
        ranged = inquiry.since is not None or inquiry.until is not None
        last = blocks.reverse()[0]
        newest = Block.objects.of(inquiry.organization).reverse()[0] if ranged else last
        forgotten = forgotten_since(inquiry.organization, newest)
        if forgotten and not ranged:
            yield Step(waits=True)  # until what tells of details that are gone can be in it
            return
        blocks = blocks.upto(last.chain, last.number)  # what is sealed meanwhile is in the next export
        yield Step(
            expected=told["events"],
            data=(_header(blocks, signer) if ranged else beginning(inquiry.organization)).encode(),
        )
        seen = 0
        for block, rows in in_slices(blocks):
            seen += len(rows)
            yield Step(seen=seen, data="".join(lines(block, rows)).encode())
        if not ranged:
            yield Step(seen=seen, data="".join(ending(inquiry.organization)).encode())
        if forgotten_since(inquiry.organization, newest) != forgotten:
            yield Step(waits=True)  # something of it has gone meanwhile, so it is begun anew
            return
        yield Step(seen=seen, found={"events": seen, "blocks": told["blocks"], "excerpt": ranged})

    return steps


def _header(blocks: BlockQuerySet, signer: Signer) -> str:
    """The first line of an excerpt of these blocks, with what it covers as it is now."""
    places = list(blocks.values_list("chain", "number", "organization", "count"))
    excerpt = excerpts.Excerpt(
        organization=str(places[0][2]),
        whole=True,
        first=places[0][:2],
        last=places[-1][:2],
        blocks=len(places),
        events=sum(place[3] for place in places),
        erased=told_erased(places[0][2], (row for _, rows in in_slices(blocks) for row in rows)),
        kid=signer.kid,
    )
    return excerpts.header(excerpt, signer.sign(excerpt.message()))


def _outside(path: Path, organization: str, signed: Signed) -> dict[tuple[int, int], Statement]:
    """The organization's checkpoints; none where there is no file. Raises ExportBroken for one that does not hold."""
    if not path.exists():
        return {}
    found: dict[tuple[int, int], Statement] = {}
    for statement in checkpoints.read(path, signed, organization):
        place = (statement.chain, statement.number)
        if found.setdefault(place, statement).head != statement.head:
            raise ExportBroken(f"block {place[1]} of chain {place[0]} is told of twice, and differently")
    return found


def _found(report: Report, blocks: BlockQuerySet, kept: dict[tuple[int, int], Statement]) -> dict[str, Any]:
    heads = blocks.order_by("chain", "-number").distinct("chain")
    newest = kept[max(kept)] if kept else None
    return {
        "intact": report.intact,
        "events": report.events,
        "blocks": report.blocks,
        "erased": report.erased,
        "checkpoints": report.checkpoints,
        "problems": report.found,
        "first": str(report.problems[0]) if report.problems else "",
        "told": [str(one) for one in report.problems[:PROBLEMS_TOLD]],
        "event": report.problems[0].event if report.problems else "",
        "heads": [
            {"chain": one.chain, "blocks": one.number, "head": bytes(one.head).hex(), "at": moment(one.sealed_at)}
            for one in heads
        ],
        "outside": {"chain": newest.chain, "number": newest.number, "head": newest.head, "at": newest.sealed_at}
        if newest
        else None,
    }
