"""What an organization keeps how long: details and model calls go by age, envelopes and the seal stay, holds win."""

import uuid
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest
from django.db import connection

from accounts.exceptions import ChangeRefused, MayNotAdminister
from lam_app.keeping import hold, lift, retain, set_retention
from tests.support.keeping import old_call, old_events
from tests.support.sealing import Seal, lines, seal_in
from tests.support.sql import NO_RIGHT, REFUSED, refusal, speaking_as, without_guards
from tests.support.standing_alone import loaded
from tests.support.world import World
from traces import partitions
from traces.forgetting import Forgetting
from traces.models import Event, EventDetail, PromptPart, Trace


@pytest.fixture
def standalone() -> ModuleType:
    return loaded()


@pytest.fixture
def seal(tmp_path: Path) -> Seal:
    return seal_in(tmp_path)


def keep(world: World, days: int | None) -> None:
    set_retention(world.organization, days, by=world.administrator, reason="as the contract says")


def verified(seal: Seal, world: World, standalone: ModuleType) -> tuple[str, str, int]:
    """What both verifiers say of the export, and how many details the product's counts as gone."""
    said = lines(world.organization.id)
    mine = seal.report(world.organization.id)
    other = standalone.verify(said, standalone.keys_in(seal.public), {})
    return "; ".join(map(str, mine.problems)), "; ".join(other.wrong), mine.erased


def test_details_and_calls_older_than_the_period_go_and_both_verifiers_find_the_record_intact(
    world: World, seal: Seal, standalone: ModuleType
) -> None:
    organization = world.organization.id
    old = old_events(organization, 7, days=60)
    young = old_events(organization, 3, days=10)
    others = old_events(world.elsewhere.id, 2, days=60)
    old_call(organization, 60)
    seal.passes()
    keep(world, 30)
    found = retain(organization, most=3)
    seal.passes()
    assert (found.details, found.calls, found.pieces) == (7, 1, 1)
    assert EventDetail.objects.filter(event__in=old).count() == 0
    assert EventDetail.objects.filter(event__in=[*young, *others]).count() == 5
    assert Event.objects.filter(pk__in=old).count() == 7
    assert not Trace.objects.filter(organization=organization).exists()
    assert not PromptPart.objects.filter(organization=organization).exists()
    told = Event.objects.filter(organization=organization, verb="retention_forgot").order_by("id")
    assert [one.reason.split()[0] for one in told] == ["3", "3", "1"]
    assert verified(seal, world, standalone) == ("", "", 7)


def test_a_detail_more_than_retention_tells_of_is_found_by_both_verifiers(
    world: World, seal: Seal, standalone: ModuleType
) -> None:
    organization = world.organization.id
    old_events(organization, 4, days=60)
    kept = old_events(organization, 1, days=50, run=uuid.uuid4())[0]
    run = Event.objects.get(pk=kept).run
    with without_guards() as admin:
        admin.execute(
            "INSERT INTO traces_hold (id, organization, kind, target, reason, by, lifted_reason)"
            " VALUES (gen_random_uuid(), %s, 'run', %s, 'a lawsuit', %s, '')",
            [organization, run, world.administrator.pk],
        )
    seal.passes()
    keep(world, 30)
    assert retain(organization).details == 4
    with without_guards() as admin:
        admin.execute("DELETE FROM traces_eventdetail WHERE event = %s", [kept])
    seal.passes()
    mine, other, _ = verified(seal, world, standalone)
    assert "nothing tells of its erasure" in mine
    assert "nothing tells of its erasure" in other
    assert len(mine.split("; ")) == len(other.split("; ")) == 1


def test_a_young_detail_is_not_excused_by_what_retention_took(world: World, seal: Seal, standalone: ModuleType) -> None:
    organization = world.organization.id
    old_events(organization, 4, days=60)
    young = old_events(organization, 1, days=3)[0]
    seal.passes()
    keep(world, 30)
    retain(organization)
    with without_guards() as admin:
        admin.execute("DELETE FROM traces_eventdetail WHERE event = %s", [young])
    seal.passes()
    mine, other, _ = verified(seal, world, standalone)
    assert str(young) in mine
    assert str(young) in other


@pytest.mark.parametrize("kind", ["organization", "run", "person"])
def test_a_hold_wins_over_the_period_until_it_is_lifted(kind: str, world: World) -> None:
    organization = world.organization.id
    run = world.run()
    target = {"organization": organization, "run": run.pk, "person": world.operator.pk}[kind]
    old_events(organization, 2, days=60, run=run.pk)
    old_call(organization, 60, run=run.pk)
    keep(world, 30)
    held = hold(world.organization, kind, target, by=world.auditor, reason="a lawsuit")
    assert retain(organization).details == retain(organization).calls == 0
    assert lift(held, by=world.administrator, reason="it is settled")
    after = retain(organization)
    assert (after.details, after.calls) == (2, 1)


def test_without_a_period_everything_is_kept(world: World) -> None:
    old_events(world.organization.id, 2, days=4000)
    assert retain(world.organization.id).details == 0
    keep(world, 30)
    keep(world, None)
    assert retain(world.organization.id).details == 0


def test_the_period_is_set_by_administrators_alone_with_a_reason_and_is_a_month_at_least(world: World) -> None:
    for by, days, reason, expected in (
        (world.auditor, 90, "why", MayNotAdminister),
        (world.administrator, 90, " ", ChangeRefused),
        (world.administrator, 29, "why", ChangeRefused),
        (world.administrator, 40_000, "why", ChangeRefused),
    ):
        with pytest.raises(expected):
            set_retention(world.organization, days, by=by, reason=reason)
    with pytest.raises(MayNotAdminister):
        hold(world.organization, "run", world.run().pk, by=world.operator, reason="why")
    with pytest.raises(ChangeRefused):
        hold(world.organization, "person", world.outsider.pk, by=world.auditor, reason="why")


ATTEMPTS = {
    "UPDATE traces_eventdetail SET detail = '{}'": {"owner": REFUSED},
    "DELETE FROM traces_eventdetail": {"owner": REFUSED},
    "TRUNCATE traces_eventdetail": {"owner": REFUSED},
    "DELETE FROM traces_trace": {"owner": REFUSED},
    "DELETE FROM traces_promptpart": {"owner": REFUSED},
    "UPDATE traces_retention SET days = 40": {"owner": REFUSED},
    "DELETE FROM traces_hold": {"owner": REFUSED},
    "INSERT INTO traces_forgetting (id, organization, why, transaction)"
    " SELECT gen_random_uuid(), organization, 'retention', 1 FROM traces_retention": {"owner": REFUSED},
}


@pytest.mark.parametrize("account", ["web", "worker", "owner"])
@pytest.mark.parametrize("sql", ATTEMPTS)
def test_nothing_of_the_record_leaves_by_another_way(account: str, sql: str, world: World) -> None:
    old_events(world.organization.id, 1, days=60)
    old_call(world.organization.id, 60)
    keep(world, 30)
    hold(world.organization, "run", world.run().pk, by=world.auditor, reason="a lawsuit")
    with speaking_as(account, world.organization.id) as speaking:
        assert refusal(speaking, sql)[0] == ATTEMPTS[sql].get(account, NO_RIGHT)


def test_the_web_account_forgets_nothing_and_the_worker_sets_no_door_open(
    world: World, as_web: psycopg.Connection[Any], as_worker: psycopg.Connection[Any]
) -> None:
    retained = "SELECT * FROM lam_app_retain(%s, %s, 10)", [world.organization.id, uuid.UUID(int=0)]
    assert refusal(as_web, *retained)[0] == NO_RIGHT
    assert refusal(as_web, "SELECT traces_drop_partitions()")[0] == NO_RIGHT
    assert refusal(as_worker, "INSERT INTO traces_forgetting SELECT * FROM traces_forgetting")[0] == NO_RIGHT
    assert refusal(as_worker, "SELECT lam_app_forget_calls(%s, '{}')", [world.organization.id])[0] == NO_RIGHT
    assert refusal(as_worker, *retained)[0] == ""


def test_a_forgetting_that_no_event_tells_of_cannot_commit(world: World, as_worker: psycopg.Connection[Any]) -> None:
    old_events(world.organization.id, 1, days=60)
    keep(world, 30)
    code, words = refusal(
        as_worker, "SELECT * FROM lam_app_retain(%s, %s, 10)", [world.organization.id, uuid.UUID(int=0)]
    )
    assert (code, "no event tells of it" in words) == (REFUSED, True)
    assert not Forgetting.objects.exists()


def test_an_empty_month_of_the_past_is_dropped_and_one_with_something_kept_in_it_stays(world: World) -> None:
    with connection.cursor() as cursor:
        for parent in ("traces_eventdetail", "traces_trace", "traces_event"):
            cursor.execute(
                f"CREATE TABLE {parent}_2020_01 PARTITION OF {parent} FOR VALUES FROM (%s) TO (%s)",
                [uuid.UUID(int=at * 1000 << 80) for at in (1_577_836_800, 1_580_515_200)],
            )
    detail = "INSERT INTO traces_eventdetail VALUES ('016f5e66-e800-7000-8000-000000000000', %s, %s, '{}')"
    try:
        with without_guards() as admin:
            admin.execute(detail, [world.organization.id, b"s" * 16])
        assert partitions.drop_old() == 1
        assert there() == {"traces_eventdetail_2020_01", "traces_event_2020_01"}
        with without_guards() as admin:
            admin.execute("DELETE FROM traces_eventdetail_2020_01")
        assert partitions.drop_old() == 1
        assert there() == {"traces_event_2020_01"}
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "DROP TABLE IF EXISTS traces_eventdetail_2020_01, traces_trace_2020_01, traces_event_2020_01"
            )


def there() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname LIKE 'traces\\_%\\_2020\\_01' AND relkind = 'r'")
        return {row[0] for row in cursor.fetchall()}


def test_a_month_that_cannot_be_made_is_said_aloud_at_the_start(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert partitions.make_ahead() == 0
    assert partitions.missing(3) == []
    monkeypatch.setattr(partitions, "missing", lambda months: ["traces_event_2031_01"])
    with pytest.raises(partitions.PartitionMissing, match="traces_event_2031_01"):
        partitions.make_ahead()
