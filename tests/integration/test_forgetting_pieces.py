"""A piece of a prompt that somebody says again while the calls that said it before are forgotten."""

import threading
import uuid

from django.db import connection, connections, transaction

from lam_app.keeping import retain, set_retention
from tests.support.keeping import old_call
from tests.support.up import until
from tests.support.world import World
from traces.calls import ModelCall, remember
from traces.models import PromptPart, Trace


def said_again(world: World) -> uuid.UUID:
    return remember(
        ModelCall(
            organization=world.organization.id, run=uuid.uuid4(), step=1, attempt=1, model="m",
            prompt=[("user", "a prompt")], schema_digest="sha256:0", latency_ms=1,
        )
    )  # fmt: skip


def test_a_call_that_is_being_written_keeps_its_pieces(world: World) -> None:
    old_call(world.organization.id, 60, text="a prompt")
    set_retention(world.organization, 30, by=world.administrator, reason="as agreed")

    def forget() -> None:
        retain(world.organization.id)
        connections.close_all()

    other = threading.Thread(target=forget)
    with transaction.atomic():
        call = said_again(world)
        other.start()
        until(_somebody_waits, 30, "the forgetting waits for the call")
    other.join(30)
    assert not other.is_alive()
    kept = Trace.objects.get(pk=call)
    assert PromptPart.objects.filter(pk__in=kept.parts).count() == 1
    assert Trace.objects.filter(organization=world.organization.id).count() == 1


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            " WHERE NOT l.granted AND d.datname = current_database() AND l.relation = 'traces_promptpart'::regclass"
        )
        row = cursor.fetchone()
    return bool(row and row[0])
