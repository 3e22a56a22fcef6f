"""What was hashed is what is loaded again: any value that is let in hashes the same through parse, store and load."""

import random

import pytest
from django.db import connection

from approvals import binding
from tests.support.values import any_value
from traces.canonical import parse


@pytest.mark.django_db
def test_t05_ten_thousand_random_values_hash_the_same_through_parse_store_and_load() -> None:
    chance = random.Random(5)
    texts = [binding.text(any_value(chance)) for _ in range(10_000)]
    before = [binding.arguments_digest(parse(text)) for text in texts]
    with connection.cursor() as cursor:
        # A column of the kind that revisions keep their bytes in.
        cursor.execute("CREATE TEMPORARY TABLE kept AS SELECT 0 AS place, arguments FROM approvals_revision LIMIT 0")
        cursor.executemany("INSERT INTO kept VALUES (%s, %s)", list(enumerate(texts)))
        cursor.execute("SELECT arguments FROM kept ORDER BY place")
        loaded = [row[0] for row in cursor.fetchall()]
    assert loaded == texts
    assert [binding.arguments_digest(binding.parsed(text)) for text in loaded] == before
    assert len(set(before)) > 5_000  # they differ, or nothing was compared
