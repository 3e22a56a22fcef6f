"""Remembering model calls: one Trace for each, with the prompt's parts kept once an organization."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Sum
from django.db.models.functions import Coalesce

from traces.ids import uuid7
from traces.models import Trace
from traces.redaction import hidden
from traces.text import storable
from traces.volume import count

LONGEST: Final = 200_000
"""Characters of one text that are kept."""


@dataclass(frozen=True)
class ModelCall:
    """What is known of one call, successful or not; ``latency_ms`` in milliseconds, ``chosen_logprob`` natural."""

    organization: uuid.UUID
    run: uuid.UUID
    step: int
    attempt: int
    model: str
    prompt: Sequence[tuple[str, str]]  # role, content
    schema_digest: str
    latency_ms: int
    answer: str = ""
    model_version: str = ""
    reasoning: str = ""
    candidates: Sequence[dict[str, Any]] = ()
    chosen: str = ""
    chosen_logprob: float | None = None
    alternatives: Sequence[dict[str, Any]] = field(default=())
    tokens_in: int | None = None
    tokens_out: int | None = None
    finish: str = ""
    error: str = ""
    request_id: str = ""
    agent: uuid.UUID | None = None


@dataclass(frozen=True)
class Spent:
    """What the model calls of a run came to; ``cost`` in the currency of the prices that they were recorded with."""

    tokens: int
    cost: Decimal


def spent_by(organization: uuid.UUID, run: uuid.UUID) -> Spent:
    """The sum over every model call of a run, failed ones included. One query."""
    sums = Trace.objects.filter(organization=organization, run=run).aggregate(
        read=Coalesce(Sum("tokens_in"), 0),
        written=Coalesce(Sum("tokens_out"), 0),
        cost=Coalesce(Sum("cost"), Decimal(0)),
    )
    return Spent(sums["read"] + sums["written"], sums["cost"])


def remember(call: ModelCall) -> uuid.UUID:
    """Write the trace in a transaction of its own (a failed step keeps its trace), counted; return its id."""
    with transaction.atomic():
        parts, size = _parts(call.organization, [_kept(content) for _, content in call.prompt])
        trace = Trace(
            id=uuid7(),
            organization=call.organization,
            run=call.run,
            agent=call.agent,
            step=call.step,
            attempt=call.attempt,
            model=storable(call.model)[:200],
            model_version=storable(call.model_version)[:200],
            roles=[role for role, _ in call.prompt],
            parts=parts,
            answer=_kept(call.answer),
            reasoning=_kept(call.reasoning),
            candidates=[{key: _kept(str(value)) for key, value in item.items()} for item in call.candidates],
            chosen=storable(call.chosen)[:100],
            chosen_logprob=call.chosen_logprob,
            alternatives=[
                {key: _kept(value) if isinstance(value, str) else value for key, value in item.items()}
                for item in call.alternatives
            ],
            schema_digest=call.schema_digest,
            tokens_in=call.tokens_in,
            tokens_out=call.tokens_out,
            latency_ms=call.latency_ms,
            finish=storable(call.finish)[:40],
            error=call.error[:64],
            request_id=storable(call.request_id)[:100],
        )
        trace.save(force_insert=True)
        own = (trace.answer, trace.reasoning, *(str(one) for one in (*trace.candidates, *trace.alternatives)))
        count(call.organization, call.run, size + sum(len(text.encode()) for text in own))
    return trace.id


def _kept(text: str) -> str:
    """What was sent or came back, as it is kept: storable, without secrets, and cut where it is longer than LONGEST;
    the hash of the whole stands in the place of the rest.
    """
    kept = hidden(storable(text))
    if len(kept) <= LONGEST:
        return kept
    whole = hashlib.sha256(kept.encode()).hexdigest()
    return f"{kept[:LONGEST]}… [{len(kept)} characters, sha256:{whole}]"


_KEPT = """
WITH said AS (
    SELECT DISTINCT ON (sha256) id, sha256, content FROM unnest(%(ids)s::uuid[], %(hashes)s::bytea[], %(texts)s::text[])
        AS t(id, sha256, content)
), new AS (
    INSERT INTO traces_promptpart (id, organization, sha256, content)
    SELECT id, %(organization)s, sha256, content FROM said
    ON CONFLICT (organization, sha256) DO NOTHING RETURNING sha256, id
)
SELECT sha256, id FROM new
UNION ALL
SELECT p.sha256, p.id FROM traces_promptpart p JOIN said ON said.sha256 = p.sha256
WHERE p.organization = %(organization)s
"""


def _parts(organization: uuid.UUID, contents: list[str]) -> tuple[list[uuid.UUID], int]:
    """The ids of a prompt's parts, those that are new written now, and the bytes of these. One statement, unless
    somebody else writes the same part at this moment: whoever conflicts with a row that is newer than its snapshot sees
    it in the next one.
    """
    hashes = [hashlib.sha256(content.encode()).digest() for content in contents]
    asked: dict[str, Any] = {
        "organization": organization,
        "ids": [uuid7() for _ in contents],
        "hashes": hashes,
        "texts": contents,
    }
    known: dict[bytes, uuid.UUID] = {}
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(_KEPT, asked)
            known = {bytes(row[0]): row[1] for row in cursor.fetchall()}
            if known.keys() >= set(hashes):
                break
    new = {known[value] for value in hashes} & set(asked["ids"])
    size = sum(len(text.encode()) for text, made in zip(contents, asked["ids"], strict=True) if made in new)
    return [known[value] for value in hashes], size
