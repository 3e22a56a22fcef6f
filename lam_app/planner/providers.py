"""Asks a model for the next intent, over the OpenAI API. The only module that knows the client.

The client's raw response is read with our own parser: nothing of a failed call is lost, and a response is cut off at a
size and at a time that are ours. Retries belong to the run, which can count them, so the client makes none.

What a server cannot do (log-probabilities, structured outputs) is found out by its first refusal and remembered. Once a
server has answered a full request, a refusal is an error: nothing is ever given up for an endpoint that could do it.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lam_app.planner import answers, errors, prompts
from lam_app.planner.draft import Part, TraceDraft
from lam_app.planner.intent import Intent, PlannerContext, intent_schema, schema_digest
from lam_app.planner.planning import Plan

if TYPE_CHECKING:
    import httpx2
    import openai

LARGEST_RESPONSE = 8_000_000
"""Bytes of one HTTP response: log-probabilities take some 500 bytes for each token."""
CONNECT_SECONDS = 5.0


@dataclass(frozen=True)
class ModelConfig:
    """Which model to ask; `timeout` is for the whole call in seconds, `max_tokens` bounds what an answer may cost."""

    base_url: str
    api_key: str
    model: str
    timeout: float = 60.0
    max_tokens: int = 8_192


@dataclass(frozen=True)
class Planned:
    """An intent, everything to remember about the call that gave it, and the plan where one was asked for and given."""

    intent: Intent
    trace: TraceDraft
    plan: Plan | None = None


@dataclass(frozen=True)
class Abilities:
    """What a server is asked for beyond the bare minimum; `proven` once it has answered such a request."""

    logprobs: bool = True
    structured: bool = True
    proven: bool = False


_abilities: dict[tuple[str, str], Abilities] = {}
_clients: dict[tuple[str, str, float], "openai.OpenAI"] = {}
_lock = threading.Lock()


def plan(context: PlannerContext, *, config: ModelConfig) -> Planned:
    """One model call: the next intent of this run, or a PlannerError that carries the trace of the call."""
    planning = context.wants_plan
    schema = intent_schema(context.tools, planning=planning)
    draft = TraceDraft(prompt=(), schema_digest=schema_digest(schema), model=config.model)
    began = time.monotonic()
    try:
        prompt, response, able = _answered(context, config, schema, draft)
    except errors.PlannerError as error:
        if error.trace is not None:
            error.trace = replace(error.trace, latency_ms=_since(began), error=error.code)
        raise
    draft = replace(draft, prompt=prompt, latency_ms=_since(began), structured=able.structured)
    intent, trace = answers.read(response.body, response.request_id, context.tools, draft, planning=planning)
    return Planned(intent, trace, answers.plan_in(trace) if planning else None)


def forget() -> None:
    """Close the connections to all endpoints, and forget what they can do."""
    with _lock:
        for client in _clients.values():
            client.close()
        _clients.clear()
        _abilities.clear()


@dataclass(frozen=True)
class _Response:
    body: bytes
    request_id: str | None


def _answered(
    context: PlannerContext, config: ModelConfig, schema: dict[str, Any], draft: TraceDraft
) -> tuple[tuple[Part, ...], _Response, Abilities]:
    """The server's response, asking for less where the server is not known to do all of it."""
    endpoint = (config.base_url, config.model)
    able = _abilities.get(endpoint, Abilities())
    while True:
        prompt = prompts.parts(context, None if able.structured else schema)
        try:
            response = _call(config, _request(config, prompt, schema, able))
        except errors.ProviderRejected as refused:
            refused.trace = replace(draft, prompt=prompt, structured=able.structured)
            less = _less(able, refused)
            if less is None:
                raise
            able = less
        except errors.PlannerError as error:
            error.trace = replace(draft, prompt=prompt, structured=able.structured)
            raise
        else:
            with _lock:
                _abilities[endpoint] = replace(able, proven=True)
            return prompt, response, able


def _less(able: Abilities, refused: errors.ProviderRejected) -> Abilities | None:
    """What to ask for instead, or None where asking for less would not help or gives up what has worked before."""
    if able.proven or refused.status not in (400, 404, 415, 422, 501):
        return None
    words = refused.detail.lower()
    blamed = any(word in words for word in ("response_format", "schema", "structured", "grammar"))
    if able.logprobs and ("logprob" in words or not blamed):
        return replace(able, logprobs=False)
    return replace(able, structured=False) if able.structured else None


def _request(config: ModelConfig, prompt: tuple[Part, ...], schema: dict[str, Any], able: Abilities) -> dict[str, Any]:
    request: dict[str, Any] = {
        "model": config.model,
        "messages": prompts.messages(prompt),
        "max_completion_tokens": config.max_tokens,
    }
    if able.structured:
        form = {"name": "intent", "strict": True, "schema": schema}
        request["response_format"] = {"type": "json_schema", "json_schema": form}
    if able.logprobs:
        request |= {"logprobs": True, "top_logprobs": 5}
    return request


def _call(config: ModelConfig, request: dict[str, Any]) -> _Response:
    """One HTTP request; every failure of the client becomes ours."""
    import openai

    client = _client(config)
    try:
        raw = client.chat.completions.with_raw_response.create(**request)
    except openai.APIStatusError as error:
        raise _by_status(error) from None
    except openai.APIConnectionError as error:
        late = isinstance(error, openai.APITimeoutError)
        cause = error.__cause__
        if cause is not None and isinstance(cause.__cause__, errors.PlannerError):
            raise cause.__cause__ from None
        detail = (
            f"no answer within {config.timeout:g} s" if late else f"{type(cause or error).__name__}: {cause or error}"
        )
        raise errors.ProviderUnavailable(detail) from None
    except openai.OpenAIError as error:
        raise errors.ProviderRejected(str(error)) from None
    return _Response(raw.content, raw.headers.get("x-request-id"))


def _by_status(error: "openai.APIStatusError") -> errors.PlannerError:
    status = error.status_code
    body = error.body
    said = body.get("message") if isinstance(body, dict) else None
    detail = f"HTTP {status}: {said or error.response.text[:2000]}"
    if status in (408, 409, 425, 429) or status >= 500:
        return errors.ProviderUnavailable(detail, retry_after=_retry_after(error.response.headers))
    return errors.ProviderRejected(detail, status=status)


def _retry_after(headers: "httpx2.Headers") -> float | None:
    """Seconds that the server asks us to wait; the form that is a date is not worth a parser here."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) / unit
        except (KeyError, ValueError):
            continue
        if 0 <= seconds <= 86_400:
            return seconds
    return None


def _since(began: float) -> float:
    return round((time.monotonic() - began) * 1000, 3)


def _client(config: ModelConfig) -> "openai.OpenAI":
    """One client, with its pool of connections, for each endpoint that is configured; any thread may use it."""
    key = (config.base_url, config.api_key, config.timeout)
    with _lock:
        if key not in _clients:
            _clients[key] = _made(*key)
        return _clients[key]


def _made(base_url: str, api_key: str, timeout: float) -> "openai.OpenAI":
    import httpx2
    import openai

    class Bounded(httpx2.SyncByteStream):
        """Ends a response that is too long or too late: the client's own time-out starts anew with every byte."""

        def __init__(self, stream: httpx2.SyncByteStream, deadline: float) -> None:
            self.stream, self.deadline = stream, deadline

        def __iter__(self) -> Iterator[bytes]:
            size = 0
            for chunk in self.stream:
                size += len(chunk)
                if size > LARGEST_RESPONSE:
                    raise _Stopped(errors.TooLarge(f"more than {LARGEST_RESPONSE} bytes"))
                if time.monotonic() > self.deadline:
                    raise httpx2.ReadTimeout("the whole answer took too long")
                yield chunk

        def close(self) -> None:
            self.stream.close()

    class Transport(httpx2.HTTPTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            deadline = time.monotonic() + timeout
            response = super().handle_request(request)
            if response.headers.get("content-encoding", "identity") != "identity":
                response.close()  # a small compressed body can become a huge one
                raise httpx2.RemoteProtocolError("the answer is compressed although we asked for it plain")
            if isinstance(response.stream, httpx2.SyncByteStream):  # always, says the transport; not so its types
                response.stream = Bounded(response.stream, deadline)
            return response

    class _Stopped(httpx2.RemoteProtocolError):
        def __init__(self, error: errors.PlannerError) -> None:
            super().__init__(error.message)
            self.__cause__ = error

    # A redirect could carry the key and the prompt to another host, and the environment's proxies are not our settings.
    plain = httpx2.Client(
        transport=Transport(),
        timeout=httpx2.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS)),
        headers={"Accept-Encoding": "identity"},
        follow_redirects=False,
        trust_env=False,
    )
    return openai.OpenAI(
        base_url=base_url,
        api_key=api_key or "none",
        max_retries=0,
        timeout=plain.timeout,
        http_client=plain,
        default_headers={"Accept-Encoding": "identity"},
    )
