"""Several calls that are alike: what stands in one table, what may be decided of it, and what becomes of each row."""

import html
import json
import re
import uuid
from typing import Any

import pytest
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.models import Action, Decision
from approvals.services import together
from approvals.services.assign import assign
from approvals.services.edit import edit
from tests.support.bulk_tools import reserving, several
from tests.support.desking import does, on, refusals
from tests.support.many import copies, page, shaped
from tests.support.sql import without_guards
from tests.support.voting import browser, needing, policy, risky, status, yes
from tests.support.world import World, approved
from traces.models import Event, EventDetail

TICKED = re.compile(r'name="row:([^"]+)" value="([^"]+)" data-row( checked)?')


class Shown:
    """The table as one person is shown it, and the form that they send."""

    def __init__(self, client: Client, head: Action) -> None:
        self.client, self.head = client, head
        answer = client.get(f"/bulk/{head.pk}/")
        assert answer.status_code == 200, answer.status_code
        self.html = answer.content.decode()
        self.words = html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", self.html)))
        self.token = re.findall(r'name="table" value="([^"]+)"', self.html)[0]
        found = TICKED.findall(self.html)
        self.rows = {uuid.UUID(one): digest for one, digest, _ in found}
        self.ticked = [uuid.UUID(one) for one, _, checked in found if checked]

    def send(self, decision: str = "approve", *, rows: dict[uuid.UUID, str] | None = None, **fields: str) -> Any:
        """The form, with these rows ticked; all of them where nothing is said."""
        said = {f"row:{one}": digest for one, digest in (self.rows if rows is None else rows).items()}
        return self.client.post(f"/bulk/{self.head.pk}/", {"table": self.token, "decision": decision, **said, **fields})


def outcomes(answer: Any) -> list[str]:
    """What became of each row, from the top."""
    return re.findall(r'<tr data-outcome="(\w+)"', answer.content.decode())


def shown(world: World, actions: list[Action], name: str = "reviewer") -> Shown:
    """The table of what is like the first of them."""
    return Shown(browser(world, name), actions[0])


def alone(world: World, action: Action) -> bool:
    """Whether there is no table for it: the person is taken to the action itself."""
    answer = browser(world, "reviewer").get(f"/bulk/{action.pk}/")
    return bool(answer.status_code == 302 and answer.headers["Location"] == f"/actions/{action.pk}/")


def test_a_row_of_the_inbox_offers_what_is_like_it_and_a_lone_one_offers_nothing(world: World) -> None:
    actions = several(world, 3)
    other = world.staged()
    text = page(browser(world, "reviewer"))
    assert text.count("3 like this") == 3
    assert f"/bulk/{actions[0].pk}/" in text
    assert f"/bulk/{other.pk}/" not in text


def test_the_table_says_once_what_is_the_same_and_has_a_column_for_all_that_differs(world: World) -> None:
    actions = several(world, 4)
    table = shown(world, actions)
    assert set(table.rows) == {action.pk for action in actions}
    assert table.rows == {action.pk: action.digest for action in actions}
    assert re.findall(r'<th scope="col"><bdi>(.*?)</bdi>', table.html) == ["Units", "For whom"]
    assert table.html.count("KTL-1</bdi>") == 1
    assert "ana@shop.example" in table.words
    assert table.ticked == list(table.rows)


def test_each_ticked_row_is_decided_as_if_it_were_the_only_one_and_the_rest_waits(world: World) -> None:
    actions = several(world, 4)
    table = shown(world, actions)
    rows = {action.pk: action.digest for action in actions[:3]}
    answer = table.send(rows=rows)
    assert (answer.status_code, outcomes(answer)) == (200, ["approved"] * 3)
    assert [status(action) for action in actions] == ["permitted"] * 3 + ["in_review"]
    assert {(one.action_id, one.digest) for one in Decision.objects.all()} == set(rows.items())
    told = Event.objects.filter(verb="approve", subject__in=list(rows))
    kept = EventDetail.objects.filter(event__in=[event.id for event in told])
    assert [json.loads(one.detail)["among"] for one in kept] == [3, 3, 3]


def test_a_no_to_several_needs_a_reason_that_can_be_counted(world: World) -> None:
    actions = several(world, 3)
    table = shown(world, actions)
    for said in ({}, {"code": "other"}, {"reason": "no code"}):
        assert table.send("reject", **said).status_code == 422
    assert Decision.objects.count() == 0
    answer = table.send("reject", code="duplicate")
    assert outcomes(answer) == ["rejected"] * 3
    assert {(one.code, one.reason) for one in Decision.objects.all()} == {("duplicate", "It was done already.")}


def test_t17_what_the_table_did_not_show_is_not_decided_and_nothing_with_it(world: World) -> None:
    actions = several(world, 3)
    table = shown(world, actions)
    late = reserving(world, "zoe")
    foreign = uuid.uuid4()
    for smuggled in ({late.pk: late.digest}, {foreign: actions[0].digest}, {actions[0].pk: late.digest}):
        answer = table.send(rows={**table.rows, **smuggled})
        assert answer.status_code == 409
        assert "was not in the table" in answer.content.decode()
    assert Decision.objects.count() == 0
    assert status(late) == "in_review"
    assert {name for name, _ in refusals(actions[0])} == {"reviewer"}


def test_t17_a_table_is_one_person_s_and_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    actions = several(world, 3)
    table = shown(world, actions)
    table.client = browser(world, "reviewer2")
    assert table.send().status_code == 409
    own = shown(world, actions, "reviewer2")
    token = own.token
    for forged in (token[:-3] + "abc", "", signing.dumps({"rows": []}), signing.dumps({"rows": []}, salt="x")):
        own.token = forged
        assert own.send().status_code == 409
    own.token = token
    monkeypatch.setattr(together, "GOOD_FOR", together.GOOD_FOR * 0)
    answer = own.send()
    assert (answer.status_code, "too long ago" in answer.content.decode()) == (409, True)
    assert Decision.objects.count() == 0


def test_a_row_that_changed_is_not_decided_and_the_others_are(world: World) -> None:
    actions = several(world, 3)
    table = shown(world, actions)
    on(world, edit, "reviewer2", actions[1], arguments={"article": "KTL-1", "units": 4, "mail": "ana@shop.example"})
    answer = table.send()
    assert outcomes(answer) == ["approved", "changed", "approved"]
    assert status(actions[1]) == "in_review"


def test_each_row_says_why_it_was_not_decided(world: World) -> None:
    actions = several(world, 7)
    lost, gone, foreign, risen, taken, kept, aside = actions
    table = shown(world, actions)
    approved(world, lost, by="reviewer2")
    shaped(gone, expires_at="clock_timestamp() - interval '1 second'")
    shaped(foreign, principals=f"ARRAY['{world.reviewer.pk}']::uuid[]")
    shaped(risen, risk="'high'")
    does(world, assign, "reviewer2", taken)
    shaped(aside, held_by_id=f"'{world.reviewer2.pk}'", held_at="clock_timestamp()", held_reason="'later'")
    answer = table.send()
    assert outcomes(answer) == ["lost", "expired", "not_allowed", "changed", "lost", "approved", "changed"]
    assert "reviewer2 approved it first." in answer.content.decode()
    assert [one.action_id for one in Decision.objects.filter(decider=world.reviewer)] == [kept.pk]


def test_what_is_of_high_risk_or_cannot_be_undone_is_decided_alone(world: World) -> None:
    final = [world.staged() for _ in range(2)]
    assert alone(world, final[0])
    risky(world, "reserve_odd")
    high = several(world, 2)
    assert high[0].risk == "high"
    assert alone(world, high[0])
    assert "like this" not in page(browser(world, "reviewer"))


def test_what_holds_anything_back_from_the_eye_is_decided_alone(world: World) -> None:
    folded = [reserving(world, name, note="So it is. " * 60) for name in ("ana", "ben")]
    assert alone(world, folded[0])


def test_what_waits_otherwise_than_the_others_stands_in_no_table_with_them(world: World) -> None:
    actions = several(world, 8)
    head = actions[0]
    hour = "clock_timestamp() + interval '1 hour'"
    shaped(actions[1], held_by_id=f"'{world.reviewer.pk}'", held_at="clock_timestamp()", held_reason="'later'")
    shaped(actions[2], asked_at="clock_timestamp()")
    shaped(actions[3], escalated_at="clock_timestamp()")
    shaped(actions[4], assignee_id=f"'{world.reviewer2.pk}'", assigned_until=hour)
    shaped(actions[5], quorum="2")
    policy(world, rules=[])
    newer = reserving(world, "zoe")
    assert set(shown(world, [head]).rows) == {head.pk, actions[6].pk, actions[7].pk}
    assert alone(world, newer)
    assert alone(world, actions[4])


def test_what_a_rule_puts_before_several_people_is_decided_alone(world: World) -> None:
    needing(world, 2)
    assert alone(world, several(world, 2)[0])


def test_where_two_are_needed_a_yes_to_several_is_a_vote_on_each(world: World) -> None:
    actions = [shaped(action, quorum="2") for action in several(world, 2)]
    assert outcomes(shown(world, actions).send()) == ["approved"] * 2
    assert alone(world, actions[0])  # this person has said yes to all of them
    assert {status(action) for action in actions} == {"in_review"}
    assert outcomes(shown(world, actions, "reviewer2").send()) == ["approved"] * 2
    assert {status(action) for action in actions} == {"permitted"}


def test_a_row_that_stands_out_is_not_ticked_and_says_why(world: World) -> None:
    actions = [
        *several(world, 5),
        reserving(world, "gus", 400),
        reserving(world, "eve", 3, mail="eve@shop.exarnple.net"),
    ]
    again = reserving(world, "ana", 2)
    table = shown(world, actions)
    assert set(table.rows) - set(table.ticked) == {actions[5].pk, actions[6].pk, again.pk}
    assert "133.3 times the middle of these, 3" in table.words
    assert "The only one at shop.exarnple.net; 7 are at shop.example" in table.words
    assert "The very same call as in row 1" in table.words


def test_odd_characters_in_a_row_untick_it(world: World) -> None:
    actions = [*several(world, 3), reserving(world, "pаy")]
    table = shown(world, actions)
    assert actions[3].pk not in table.ticked
    assert "look" in table.words


def test_a_table_holds_fifty_and_says_that_there_are_more(world: World) -> None:
    head = reserving(world)
    with without_guards() as admin:
        copies(admin, head.pk, 60)
    table = shown(world, [head])
    assert (len(table.rows), next(iter(table.rows))) == (50, head.pk)
    assert "50 of more calls" in table.words


def test_a_wider_table_asks_the_database_no_more(world: World) -> None:
    client, head = browser(world, "reviewer"), several(world, 2)[0]

    def asked() -> int:
        with CaptureQueriesContext(connection) as found:
            assert client.get(f"/bulk/{head.pk}/").status_code == 200
        return len(found.captured_queries)

    asked()
    few = asked()
    several(world, 9)
    assert asked() == few


def test_nothing_ticked_or_nothing_said_decides_nothing(world: World) -> None:
    actions = several(world, 2)
    table = shown(world, actions)
    assert table.send(rows={}).status_code == 422
    assert table.send("veto").status_code == 400
    assert table.send(code="nonsense").status_code == 400
    assert table.send(status="done").status_code == 400
    assert table.client.post(f"/bulk/{actions[0].pk}/", {"table": table.token, "row:x": "1"}).status_code == 400
    assert Decision.objects.count() == 0


def test_whoever_may_not_decide_is_taken_to_the_action_and_strangers_find_nothing(world: World) -> None:
    actions = several(world, 2)
    for name in ("operator", "administrator", "auditor"):
        assert browser(world, name).get(f"/bulk/{actions[0].pk}/").status_code == 302
    assert browser(world, "outsider").get(f"/bulk/{actions[0].pk}/").status_code == 404


def test_a_second_yes_of_the_same_person_counts_for_nothing(world: World) -> None:
    actions = several(world, 2)
    table = shown(world, actions)
    yes(world, world.reviewer, actions[0])
    answer = table.send()
    assert outcomes(answer) == ["lost", "approved"]
    assert Decision.objects.count() == 2
