"""The audit log: narrowed by what an auditor looks for, a page at a time, and the whole history of one row."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from approvals.tasks import execute_permitted, sign_permits
from tests.support.sealing import tamper, tell
from tests.support.world import World, approved
from traces import log
from traces.models import Event


def told(page: Any, query: str = "") -> list[str]:
    """The ids of the events that the page shows, in its order."""
    answer = page("auditor").get(f"/audit/{query}")
    assert answer.status_code == 200
    return re.findall(r"<dt>event</dt><dd[^>]*>([0-9a-f-]{36})", answer.content.decode())


def kept(world: World, **narrowed: Any) -> list[str]:
    """The ids of the organization's events, newest first."""
    return [str(event.pk) for event in Event.objects.within(world.organization.id).filter(**narrowed)]


@pytest.fixture
def busy(world: World) -> World:
    """An action that was carried out, one that waits, and a run."""
    approved(world, world.staged("write_note", {"text": "Call back.", "about": "order 1009"}))
    sign_permits()
    execute_permitted()
    world.staged()
    world.run()
    return world


@pytest.mark.parametrize(
    ("query", "narrowed"),
    [
        ("", {}),
        ("?verb=approve", {"verb": "approve"}),
        ("?who=reviewer", {"actor_name": "reviewer"}),
        ("?kind=execution", {"subject_kind": "execution"}),
        ("?own=1", {"run": None}),
        ("?kind=action&who=gatekeeper", {"subject_kind": "action", "actor_name": "gatekeeper"}),
    ],
)
def test_every_filter_shows_what_it_says(busy: World, page: Any, query: str, narrowed: dict[str, Any]) -> None:
    assert told(page, query) == kept(busy, **narrowed)


def test_a_tool_has_its_actions_and_their_part_of_the_ledger(busy: World, page: Any) -> None:
    action = busy.organization and Event.objects.filter(verb="approve").get()
    found = told(page, "?tool=write_note")
    executions = [str(e.pk) for e in Event.objects.filter(run=action.run, subject_kind="execution")]
    assert set(executions) < set(found)
    assert str(action.pk) in found
    assert set(found) <= set(kept(busy))
    assert not set(found) & set(kept(busy, subject_kind="run"))


def test_days_are_the_readers_and_a_day_ahead_shows_nothing(busy: World, page: Any) -> None:
    ahead = (timezone.localtime() + timedelta(days=2)).date()
    before = (timezone.localtime() - timedelta(days=2)).date()
    assert told(page, f"?since={ahead}") == []
    assert told(page, f"?until={before}") == []
    assert told(page, f"?since={before}&until={ahead}") == kept(busy)


def test_a_page_goes_on_where_the_last_one_ended(world: World, page: Any) -> None:
    tell(world.organization.id, 230)
    everything, seen, query = kept(world), [], ""
    while True:
        some = told(page, query)
        seen += some
        if len(some) < log.PAGE:
            break
        query = f"?before={some[-1]}"
    assert seen == everything


def test_what_fills_no_page_says_how_far_it_looked_and_goes_on_from_there(
    world: World, page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(world.organization.id, 1, verb="rare")
    tell(world.organization.id, 30)
    monkeypatch.setattr(log, "STRETCH", 10)
    address, found, looks = "/audit/?verb=rare", [], 0
    while address:
        said = page("auditor").get(address).content.decode()
        found += re.findall(r"<dt>event</dt><dd[^>]*>([0-9a-f-]{36})", said)
        link = re.search(r'href="(/audit/\?[^"]*before=[^"]*)">Look further back', said)
        address = link[1].replace("&amp;", "&") if link else ""
        looks += 1
    assert found == kept(world, verb="rare")
    assert looks >= 4


def test_what_happened_is_chosen_by_its_words_and_a_verb_that_has_none_stays_chosen(busy: World, page: Any) -> None:
    said = page("auditor").get("/audit/?verb=approve").content.decode()
    assert '<option value="approve" selected>Approved by a person</option>' in said
    assert '<option value="inquiry">Asked of the sealer</option>' in said
    said = page("auditor").get("/audit/?verb=no_such_verb").content.decode()
    assert '<option value="no_such_verb" selected>no_such_verb</option>' in said


def test_a_row_has_its_whole_history_and_a_run_that_of_its_rows(busy: World, page: Any) -> None:
    event = Event.objects.filter(verb="approve").get()
    said = page("auditor").get(f"/audit/subjects/{event.subject}/").content.decode()
    assert re.findall(r"<dt>event</dt><dd[^>]*>([0-9a-f-]{36})", said) == kept(busy, subject=event.subject)
    assert f"/actions/{event.subject}/evidence/" in said
    of_run = page("auditor").get(f"/audit/subjects/{event.run}/").content.decode()
    assert re.findall(r"<dt>event</dt><dd[^>]*>([0-9a-f-]{36})", of_run) == kept(busy, run=event.run)


def test_rows_of_others_and_of_nobody_have_no_history(busy: World, page: Any) -> None:
    event = Event.objects.filter(verb="approve").get()
    assert page("outsider").get(f"/audit/subjects/{event.subject}/").status_code == 404
    assert page("auditor").get(f"/audit/subjects/{uuid.uuid4()}/").status_code == 404


def test_a_detail_that_is_gone_is_said_to_be_and_not_why(world: World, page: Any) -> None:
    tell(world.organization.id, 2)
    event = Event.objects.within(world.organization.id).filter(verb="noted").first()
    assert event is not None
    tamper("DELETE FROM traces_eventdetail WHERE event = %s", event.pk)
    said = page("auditor").get("/audit/?verb=noted").content.decode()
    assert said.count("The detail is gone: by its age, or for a person’s sake.") == 1
    assert 'Whether the record tells of that, <a href="/audit/verify/">Verify</a> says.' in said
    assert "Erased" not in said
    assert str(event.pk) in said


@pytest.mark.parametrize(
    "query", ["?about=x", "?run=x", "?before=x", "?since=soon", "?own=2", "?status=done", "?verb=a&verb=b"]
)
def test_what_the_log_does_not_know_is_refused(world: World, page: Any, query: str) -> None:
    assert page("auditor").get(f"/audit/{query}").status_code == 400


def test_a_page_of_the_log_is_a_bounded_number_of_questions(
    busy: World, page: Any, django_assert_max_num_queries: Any
) -> None:
    auditor = page("auditor")
    auditor.get("/audit/")
    with django_assert_max_num_queries(16):
        auditor.get("/audit/?verb=noted&who=tester&tool=send_message")
