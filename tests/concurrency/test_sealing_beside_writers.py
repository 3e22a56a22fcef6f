"""The record is sealed while it is written: what commits late and what is rolled back leaves no hole and no alarm."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

import pytest
from django.db import connection, transaction

from tests.support.sealing import seal_in, tell
from tests.support.world import World
from traces.models import Block, Event

SEED = int(os.environ.get("SEED", "2026"))
WRITERS, TRANSACTIONS = 4, 12


@pytest.mark.django_db(transaction=True)
def test_t106_writers_that_commit_late_or_roll_back_leave_no_hole_and_no_false_alarm(
    world: World, tmp_path: Path
) -> None:
    seal, ours = seal_in(tmp_path), world.organization.id
    kept = [0] * WRITERS
    turn = threading.Barrier(WRITERS, timeout=60)

    def write(number: int) -> None:
        chance = random.Random(SEED + number)
        try:
            for _ in range(TRANSACTIONS):
                with transaction.atomic():
                    tell(ours, 1, verb="beside")
                    turn.wait()  # all have begun, in whatever order
                    late = chance.random() < 0.5
                    if late:
                        turn.wait()  # these commit or roll back only after the others did
                    if chance.random() < 0.3:
                        transaction.set_rollback(True)
                    else:
                        kept[number] += 1
                if not late:
                    turn.wait()
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    looks = 0
    while any(writer.is_alive() for writer in writers) or not looks:
        seal.passes(wait=False)
        report = seal.report(ours)
        assert report.problems == [], "what is not sealed yet is neither missing nor too many"
        looks += 1
    for writer in writers:
        writer.join()
    seal.passes()
    report = seal.report(ours)
    assert report.problems == []
    assert Event.objects.filter(organization=ours, verb="beside").count() == sum(kept)
    assert report.events == Event.objects.filter(organization=ours).count()
    places = [(block.first, block.count) for block in Block.objects.of(ours)]
    assert [first for first, _ in places] == [1 + sum(count for _, count in places[:at]) for at in range(len(places))]
