"""Errors speak the caller's language, and bodies that must not be read are not."""

import asyncio
import json
from typing import Any, ClassVar

import pytest
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path

from traces.bodies import BodyLimit
from traces.canonical import parse
from traces.exceptions import DomainError
from traces.problems import problem

MIDDLEWARE = ["traces.middleware.ProblemMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]


class Engaged(DomainError):
    """The line is engaged.

    More for the reader of the code.
    """

    http_status: ClassVar[int] = 409
    code: ClassVar[str] = "engaged"
    retry: ClassVar[bool] = True


RAISED: dict[str, Any] = {
    "domain": lambda: Engaged(wait=5, status=200),
    "json": lambda: None,
    "missing": lambda: Http404("secret path"),
    "denied": lambda: PermissionDenied("Only reviewers decide."),
    "bad": lambda: BadRequest("What?"),
    "invalid": lambda: ValidationError({"name": ["Too long.", "Too odd."]}),
    "invalid-whole": lambda: ValidationError("Never."),
    "crash": lambda: RuntimeError("secret detail"),
}


def fail(request: HttpRequest, how: str) -> HttpResponse:
    if how == "json":
        parse('{"a":1,"a":2}')
    if how == "method":
        return HttpResponseNotAllowed(["POST"])
    if how == "own":
        return JsonResponse({"mine": True}, status=400)
    if how in RAISED:
        error = RAISED[how]()
        raise error
    return HttpResponse(f"{sorted(request.GET)} {sorted(request.POST)}")


async def fail_async(request: HttpRequest, how: str) -> HttpResponse:
    return fail(request, how)


urlpatterns = [
    path("api/<how>", fail),
    path("page/<how>", fail),
    path("api/async/<how>", fail_async),
]

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(autouse=True)
def small_site() -> Any:
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=MIDDLEWARE, DATA_UPLOAD_MAX_MEMORY_SIZE=1_000):
        yield


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


EXPECTED = [
    ("domain", 409, "engaged", "The line is engaged."),
    ("json", 400, "bad_json", "a: this key is there twice"),
    ("missing", 404, "not_found", "There is no such thing here."),
    ("denied", 403, "not_permitted", "Only reviewers decide."),
    ("bad", 400, "bad_request", "What?"),
    ("invalid", 422, "schema_invalid", "name: Too long.; name: Too odd."),
    ("invalid-whole", 422, "schema_invalid", "Never."),
    ("crash", 500, "internal_error", "Something broke on our side. It has been recorded."),
    ("method", 405, "method_not_allowed", "This address does not answer this method."),
]


@pytest.mark.parametrize(("how", "status", "code", "detail"), EXPECTED)
def test_a_program_gets_a_problem_document(client: Client, how: str, status: int, code: str, detail: str) -> None:
    for answer in (client.get(f"/api/{how}"), client.get(f"/page/{how}", headers={"Accept": "application/json"})):
        assert answer.status_code == status
        assert answer["Content-Type"] == "application/problem+json"
        document = json.loads(answer.content)
        assert (document["status"], document["code"], document["detail"]) == (status, code, detail)
        assert document["type"] == "about:blank"
        assert b"secret" not in answer.content


@pytest.mark.parametrize(("how", "status", "code", "detail"), EXPECTED)
def test_the_same_from_an_asynchronous_view(how: str, status: int, code: str, detail: str) -> None:
    async def ask() -> Any:
        return await AsyncClient(raise_request_exception=False).get(f"/api/async/{how}")

    answer = asyncio.run(ask())
    document = json.loads(answer.content)
    assert (answer.status_code, document["code"], document["detail"]) == (status, code, detail)


def test_extra_members_are_added_but_never_replace_the_basic_ones(client: Client) -> None:
    document = json.loads(client.get("/api/domain").content)
    assert (document["wait"], document["retry"], document["status"]) == (5, True, 409)
    assert json.loads(client.get("/api/json").content)["path"] == "a"
    assert json.loads(client.get("/api/invalid").content)["problems"][1] == {"path": "name", "message": "Too odd."}
    assert json.loads(problem(400, "x", "t", "d", type="y").content)["type"] == "about:blank"


def test_an_address_that_does_not_exist_is_a_problem_too(client: Client) -> None:
    answer = client.get("/api/no/such/address")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_what_a_refusal_allows_instead_is_kept(client: Client) -> None:
    assert client.get("/api/method")["Allow"] == "POST"


def test_an_error_that_is_json_already_is_left_alone(client: Client) -> None:
    assert json.loads(client.get("/api/own").content) == {"mine": True}


@pytest.mark.parametrize(("how", "status", "code", "detail"), EXPECTED)
def test_a_person_gets_a_page(client: Client, how: str, status: int, code: str, detail: str) -> None:
    answer = client.get(f"/page/{how}", headers={"Accept": "text/html,application/xhtml+xml,application/json;q=0.1"})
    assert answer.status_code == status
    assert "problem+json" not in answer["Content-Type"]
    assert b"secret" not in answer.content
    if code in {"engaged", "bad_json", "schema_invalid"}:
        assert detail.encode() in answer.content


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zip", "gzip, identity"])
def test_t82_a_compressed_body_is_not_unpacked(client: Client, encoding: str) -> None:
    answer = client.post("/api/ok", b"x", content_type="application/json", headers={"Content-Encoding": encoding})
    assert (answer.status_code, json.loads(answer.content)["code"]) == (415, "encoding_not_supported")
    assert client.post("/page/ok", b"x", content_type="a/b", headers={"Content-Encoding": encoding}).status_code == 415


def test_a_body_that_says_it_is_not_encoded_is_read(client: Client) -> None:
    headers = {"Content-Encoding": "identity"}
    assert client.post("/api/ok", b"x", content_type="text/plain", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"]
)
def test_t81_a_body_over_the_limit_is_refused_unread(client: Client, kind: str) -> None:
    answer = client.post("/api/ok", b"x" * 1_001, content_type=kind)
    assert (answer.status_code, json.loads(answer.content)["limit"]) == (413, 1_000)
    lying = client.post("/api/ok", b"x", content_type="application/json", CONTENT_LENGTH="9" * 30)
    assert lying.status_code == 413


@pytest.mark.parametrize(
    ("query", "field"), [("a=1&to=x%00", "to"), ("to=%ED%A0%80", "to"), ("to=%FF", "to"), ("t%00o=1", "t\\x00o")]
)
def test_t87_text_that_cannot_be_stored_is_refused_with_the_fields_name(client: Client, query: str, field: str) -> None:
    form = "application/x-www-form-urlencoded"
    for answer in (client.get(f"/api/ok?{query}"), client.post("/api/ok", query, content_type=form)):
        assert answer.status_code == 400
        document = json.loads(answer.content)
        assert (document["code"], document["path"]) == ("bad_text", field)
    person = client.post("/page/ok", query, content_type=form)
    assert person.status_code == 400
    assert f"The field {field} holds".encode() in person.content


def test_t87_a_nul_in_a_multipart_form_is_refused(client: Client) -> None:
    assert client.post("/api/ok", {"note": "a\0b"}).status_code == 400
    assert client.post("/api/ok", {"note": "fine é"}).status_code == 200


def test_a_replacement_character_that_was_sent_as_such_is_text(client: Client) -> None:
    assert client.get("/api/ok?a=%EF%BF%BD").status_code == 200


def test_answers_to_somebody_signed_in_are_not_stored(client: Client) -> None:
    assert not client.get("/page/ok").has_header("Cache-Control")
    assert client.get("/page/ok", headers={"Authorization": "Bearer x"})["Cache-Control"] == "no-store"
    assert client.get("/api/missing")["Cache-Control"] == "no-store"
    client.cookies["sessionid"] = "x"
    with override_settings(SESSION_COOKIE_NAME="sessionid"):
        assert client.get("/page/ok")["Cache-Control"] == "no-store"


def test_t81_a_body_without_a_length_is_cut_at_the_limit() -> None:
    """A gigabyte in chunks is answered after the first chunk over the limit."""
    chunks, sent = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal chunks
        chunks += 1
        return {"type": "http.request", "body": b"x" * 400, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        while (await receive())["more_body"]:
            pass

    asyncio.run(BodyLimit(app, 1_000)({"type": "http"}, receive, send))
    assert chunks == 3
    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["code"] == "too_large"
