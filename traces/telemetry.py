"""Spans of what the product does, in OpenTelemetry's words, sent over OTLP where an address is configured.

A span says who did what to which row and what came of it: ids, names, verdicts and counts. Arguments, prompts, answers
and everything that a person or a tool wrote stay in the record, where they are guarded.

What a run does is one trace, over every process. Its context is carried by rows that exist anyway: an event keeps the
ids of the span in which it was written, and the first event of a run that has any is what its later spans hang under.
A message carries the context of whoever sent it, which the work behind it is linked to; it may be about many runs.

Where no address is configured nothing is made, sent or asked of the database, and what would send is not imported.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import connection

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, SpanContext

SECONDS: Final = 2.0
"""How long one sending may take, and the last one at a process's end."""
EVERY_MS: Final = 1000
CARRIED: Final = "traceparent"
"""The header of a message that carries a context (W3C Trace Context)."""
KINDS: Final = {"internal": 0, "server": 1, "client": 2, "producer": 3, "consumer": 4}

Value = str | int | float | bool


class Mark:
    """A span that has begun, to which what becomes known is added. Without an address it keeps nothing."""

    def __init__(self, span: Span | None = None) -> None:
        self._span = span
        self.is_failed = False

    def add(self, attributes: Mapping[str, Value | None]) -> None:
        """Say more of it; what is None is left out."""
        if self._span is not None:
            self._span.set_attributes({name: value for name, value in attributes.items() if value is not None})

    def renamed(self, name: str) -> None:
        """Call it otherwise: a request's route is known only once it was found."""
        if self._span is not None:
            self._span.update_name(name)

    def failed(self, kind: str) -> None:
        """Say that it ended in an error of this kind, in one word of ours."""
        if self._span is not None:
            self.is_failed = True
            from opentelemetry.trace import Status, StatusCode

            self._span.set_attribute("error.type", kind)
            self._span.set_status(Status(StatusCode.ERROR))


NOTHING: Final = Mark()


def configured() -> bool:
    """Whether spans are sent anywhere."""
    return bool(settings.OTEL_EXPORTER_OTLP_ENDPOINT)


@contextmanager
def span(
    name: str,
    *,
    kind: str = "internal",
    run: uuid.UUID | None = None,
    carried: str = "",
    **attributes: Value | None,
) -> Iterator[Mark]:
    """A span over what is done inside. A double underscore in an attribute's name stands for a dot.

    With ``run`` it belongs to the trace of that run, linked to the span around it; with ``carried`` it follows what
    came with a message; else it is a part of the span around it. What is raised inside ends it as an error named after
    the exception's class alone, and goes on.
    """
    if not configured():
        yield NOTHING
        return
    from opentelemetry import trace

    parent, links = _placed(run, carried)
    known = {key.replace("__", "."): value for key, value in attributes.items() if value is not None}
    tracer = _provider().get_tracer("countersign")
    begun = tracer.start_as_current_span(
        name,
        context=parent,
        kind=trace.SpanKind(KINDS[kind]),
        attributes=known,
        links=links,
        record_exception=False,  # its words may be anybody's
        set_status_on_exception=False,
    )
    with begun as open_span:
        mark = Mark(open_span)
        try:
            yield mark
        except Exception as error:
            if not mark.is_failed:
                mark.failed(type(error).__name__)
            raise


def here() -> tuple[str, str]:
    """The ids of the trace and the span that are open here, in hexadecimal; empty where there is none."""
    if not configured():
        return "", ""
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return "", ""
    return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)


def carry() -> dict[str, str]:
    """The context that is open here, as a message's headers carry it."""
    trace_id, span_id = here()
    return {CARRIED: f"00-{trace_id}-{span_id}-01"} if trace_id else {}


def flush() -> None:
    """Send what has ended so far, waiting for it."""
    if configured():
        _provider().force_flush(int(SECONDS * 1000))


def forget() -> None:
    """Stop sending, and read the settings anew when a span is next begun."""
    if _provider.cache_info().currsize:
        _provider().shutdown()
        _provider.cache_clear()


@functools.cache
def _provider() -> TracerProvider:
    """What makes and sends spans, one a process. It is made by the first span, so that no thread is left behind in a
    process that is forked from.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanLimits, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    told = Resource({"service.name": "countersign", "service.instance.id": str(uuid.uuid4())})
    made = TracerProvider(resource=told, span_limits=SpanLimits(max_attribute_length=200))
    address = f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces"
    exporter = OTLPSpanExporter(endpoint=address, timeout=SECONDS)
    made.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=EVERY_MS))
    return made


def _placed(run: uuid.UUID | None, carried: str) -> tuple[Any, list[Any]]:
    """The context that a span begins in, None for the one that is open, and what it is linked to."""
    from opentelemetry import trace

    around = trace.get_current_span().get_span_context()
    if run is not None:
        origin = _origin(run)
        if origin is not None and origin.trace_id != around.trace_id:
            links = [trace.Link(around)] if around.is_valid else []
            return trace.set_span_in_context(trace.NonRecordingSpan(origin)), links
    elif carried and (came := _read(*carried.split("-")[1:3])) is not None:
        return trace.set_span_in_context(trace.NonRecordingSpan(came)), []
    return None, []


def _origin(run: uuid.UUID) -> SpanContext | None:
    """The span in which a run's first event that has one was written. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT trace_id, span_id FROM traces_event WHERE run = %s AND trace_id <> '' ORDER BY id LIMIT 1", [run]
        )
        found = cursor.fetchone()
    return _read(*found) if found else None


def _read(trace_id: str = "", span_id: str = "") -> SpanContext | None:
    """A context from what was written down; None for what is none."""
    from opentelemetry.trace import SpanContext, TraceFlags

    try:
        context = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(1))
    except ValueError:
        return None
    return context if context.is_valid else None
