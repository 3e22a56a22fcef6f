"""What the database itself refuses of notices, whoever asks: made-up news, read keys, changed rows, foreign rows."""

from __future__ import annotations

import uuid

import psycopg
import pytest

from approvals.models import Delivery, Notice, NoticeAddress, Occasion, WebhookKey
from tests.support.rude import closed_port
from tests.support.sql import NO_RIGHT, REFUSED, refusal
from tests.support.telling import by_mail, by_webhook, pass_on
from tests.support.world import World


@pytest.fixture
def told(world: World, settings: object) -> World:
    """Somebody was told, and there are addresses."""
    place = f"127.0.0.1:{closed_port()}"
    settings.LAM_NOTICE_PRIVATE = frozenset({place})  # type: ignore[attr-defined]
    by_mail(world, "reviewer")
    by_webhook(world, f"http://{place}/secret-path", team="reviewers")
    world.staged()
    pass_on()
    assert Notice.objects.exists()
    return world


def test_a_page_cannot_make_up_that_something_happened(told: World, as_web: psycopg.Connection) -> None:
    occasion = (
        "INSERT INTO approvals_occasion (id, organization_id, kind, subject) VALUES (gen_random_uuid(), %s, %s, %s)"
    )
    for kind in ("event", "expiring"):
        assert refusal(as_web, occasion, [told.organization.pk, kind, uuid.uuid4()])[0] == REFUSED
    assert refusal(as_web, occasion, [told.organization.pk, "trial", told.reviewer.pk]) == ("", "")
    delivery = (
        "INSERT INTO approvals_delivery (id, organization_id, address_id, lines, count, urgent, trial, state, attempts,"
        " problem) SELECT gen_random_uuid(), organization_id, id, %s::jsonb, 0, false, %s, 'waiting', 0, ''"
        " FROM approvals_noticeaddress LIMIT 1"
    )
    assert refusal(as_web, delivery, ["[]", False])[0] == REFUSED
    assert refusal(as_web, delivery, ['[{"title": "Click here"}]', True])[0] == REFUSED
    assert refusal(as_web, delivery, ["[]", True]) == ("", "")


def test_a_page_writes_no_notice_and_reads_no_key(told: World, as_web: psycopg.Connection) -> None:
    assert refusal(as_web, "SELECT url FROM approvals_webhookkey")[0] == NO_RIGHT
    assert refusal(as_web, "SELECT key FROM approvals_webhookkey")[0] == NO_RIGHT
    assert refusal(as_web, "UPDATE approvals_notice SET title = 'x'")[0] == NO_RIGHT
    assert refusal(as_web, "INSERT INTO approvals_notice SELECT * FROM approvals_notice")[0] == NO_RIGHT
    assert refusal(as_web, "UPDATE approvals_delivery SET state = 'sent'")[0] == NO_RIGHT
    assert refusal(as_web, "UPDATE approvals_noticeaddress SET shown = 'x'")[0] == NO_RIGHT
    assert refusal(as_web, "DELETE FROM approvals_notice")[0] == NO_RIGHT


def test_a_page_writes_no_key_for_another_organization(told: World, as_web: psycopg.Connection) -> None:
    key = "INSERT INTO approvals_webhookkey (address_id, organization_id, url, key) VALUES (%s, %s, 'x', 'x')"
    mail = NoticeAddress.objects.get(channel="mail").pk
    code, words = refusal(as_web, key, [mail, told.elsewhere.pk])
    assert code == NO_RIGHT
    assert "row-level security" in words
    assert refusal(as_web, key, [mail, told.organization.pk]) == ("", "")


def test_what_was_told_stays_as_it_was_told(told: World, as_worker: psycopg.Connection) -> None:
    for table, column in (
        ("approvals_notice", "title"),
        ("approvals_noticeaddress", "shown"),
        ("approvals_delivery", "address_id"),
        ("approvals_noticeroute", "risk"),
        ("approvals_webhookkey", "url"),
    ):
        assert refusal(as_worker, f"UPDATE {table} SET {column} = {column}")[0] == NO_RIGHT


def test_the_owner_is_bound_too(told: World) -> None:
    from tests.support.sql import speaking_as

    with speaking_as("owner") as owner:
        assert refusal(owner, "UPDATE approvals_notice SET title = 'x'")[0] == REFUSED
        assert refusal(owner, "UPDATE approvals_webhookkey SET url = 'x'")[0] == REFUSED
        assert refusal(owner, "DELETE FROM approvals_noticeaddress")[0] == REFUSED


def test_a_page_of_another_organization_sees_none_of_it(told: World) -> None:
    from tests.support.sql import speaking_as

    with speaking_as("web", told.elsewhere.pk) as elsewhere:
        for table in ("occasion", "notice", "noticeaddress", "noticeroute", "delivery"):
            row = elsewhere.execute(f"SELECT count(*) FROM approvals_{table}").fetchone()  # type: ignore[arg-type]
            assert row == (0,)
    assert Occasion.objects.exists()
    assert Delivery.objects.exists()
    assert NoticeAddress.objects.exists()
    assert WebhookKey.objects.exists()
