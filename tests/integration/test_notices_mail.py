"""Notices by mail, over the wire: what a letter says, how they are gathered, and a mail server that is away."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from approvals.models import Delivery, NoticeAddress
from approvals.services.assign import escalate
from approvals.services.deliver import deliver
from approvals.services.notify import notify
from approvals.services.reject import reject
from approvals.tasks import execute_permitted, sign_permits
from tests.support.desking import does, on
from tests.support.postbox import Postbox, postbox
from tests.support.rude import closed_port
from tests.support.telling import by_mail, hurry, kinds, pass_on, risky, states
from tests.support.walking import BACKEND
from tests.support.world import World, approved
from tools.killswitch import engage

FROM = "Countersign <countersign@example.org>"


def at(port: int) -> dict[str, Any]:
    """LAM_MAIL_SERVER for a server here."""
    return {"host": "127.0.0.1", "port": port, "username": "", "password": "", "use_tls": False, "use_ssl": False}


@pytest.fixture
def box(settings: Any) -> Iterator[Postbox]:
    """A mail server that is set up."""
    settings.LAM_MAIL_FROM = FROM
    settings.LAM_PUBLIC_URL = "https://countersign.example.org"
    with postbox() as box:
        settings.LAM_MAIL_SERVER = at(box.port)
        yield box


def test_a_letter_names_tool_risk_and_who_and_leads_to_the_page(world: World, box: Postbox) -> None:
    by_mail(world, "reviewer")
    action = world.staged()
    assert pass_on() == 1
    (letter,) = box.letters
    message = letter.message
    assert message["To"] == "reviewer@example.org"
    assert message["From"] == FROM
    assert message["Subject"] == f"Send message waits for a decision, for operator ({action.risk} risk)"
    assert message["Message-ID"] == f"<{Delivery.objects.get().pk}@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    for part in ("plain", "html"):
        text = letter.part(part)
        assert f"https://countersign.example.org/actions/{action.pk}/" in text
        assert "A link decides nothing" in text
        assert "1009" not in text
    assert states() == ["sent"]
    assert NoticeAddress.objects.get().reached_at is not None


def test_a_name_cannot_add_a_header_or_markup(world: World, box: Postbox) -> None:
    world.operator.username = "eve\r\nBcc: everybody@example.org\r\n\r\n<img src=x>"
    world.operator.save()
    by_mail(world, "reviewer")
    world.staged()
    pass_on()
    (letter,) = box.letters
    assert letter.message["Bcc"] is None
    assert letter.recipients == ["reviewer@example.org"]
    assert "<img" not in letter.part("html")
    assert len(letter.message.get_all("Subject", [])) == 1


def test_a_route_lets_through_what_is_as_risky_as_it_says(world: World, box: Postbox) -> None:
    by_mail(world, "reviewer", risk="high")
    for risk in ("medium", "high"):
        action = world.staged()
        risky(action, risk)
        pass_on()
    (letter,) = box.letters
    assert letter.message["Subject"].endswith("(high risk)")
    assert kinds(world, "reviewer") == ["waits", "waits"]  # the list in the page has both


def test_a_route_of_one_tool_lets_through_no_other(world: World, box: Postbox) -> None:
    by_mail(world, "reviewer", tool=str(world.tool("write_note").pk))
    world.staged()
    assert pass_on() == 0
    world.staged("write_note", {"text": "a note"})
    assert pass_on() == 1


def test_the_first_comes_at_once_and_what_follows_is_gathered(world: World, box: Postbox) -> None:
    by_mail(world, "reviewer")
    for _ in range(4):
        world.staged()
    pass_on()
    assert len(box.letters) == 1
    for _ in range(3):
        world.staged()
    pass_on()
    assert len(box.letters) == 1
    hurry()
    pass_on()
    first, second = box.letters
    assert first.message["Subject"].startswith(("4 notices", "Send message"))
    told = [int(letter.part("plain").count("/actions/")) for letter in (first, second)]
    assert sum(told) == 7
    assert second.message["Subject"].startswith(f"{told[1]} notices")


def test_what_was_decided_meanwhile_is_not_said_any_more(world: World, box: Postbox) -> None:
    by_mail(world, "reviewer2")
    world.staged()
    pass_on()
    gathered = [world.staged(), world.staged()]
    pass_on()
    on(world, reject, "reviewer", gathered[0], reason="No.")
    hurry()
    pass_on()
    assert len(box.letters) == 2
    assert str(gathered[0].pk) not in box.letters[1].part("plain")
    assert str(gathered[1].pk) in box.letters[1].part("plain")
    last = world.staged()
    pass_on()
    on(world, reject, "reviewer", last, reason="No.")
    hurry()
    pass_on()
    assert len(box.letters) == 2
    assert states()[-1] == "dropped"


def test_what_is_urgent_goes_at_once_by_itself(world: World, box: Postbox) -> None:
    by_mail(world, "administrator", risk="high")
    for _ in range(2):
        action = world.staged()
        risky(action, "high")
        does(world, escalate, "reviewer", action, reason="Please look.")
    pass_on()
    assert len(box.letters) == 2
    engage(actor=world.reviewer, organization=world.organization.pk, scope="organization", target=None, reason="x")
    pass_on()
    assert "The whole organization is stopped" in box.letters[2].message["Subject"]


def test_the_initiator_gets_the_outcome_by_mail(world: World, box: Postbox) -> None:
    by_mail(world, "operator")
    approved(world, world.staged())
    sign_permits()
    execute_permitted()
    pass_on()
    assert [letter.message["Subject"].split(" (")[0] for letter in box.letters] == [
        "Send message was approved by reviewer and is done"
    ]


def test_a_dead_mail_server_harms_nothing_and_stands_on_the_settings_page(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("approvals.services.deliver.PAUSES", (3600,))
    settings.LAM_MAIL_FROM, settings.LAM_MAIL_SERVER = FROM, at(closed_port())
    by_mail(world, "reviewer")
    by_mail(world, "reviewer2")
    action = world.staged()
    assert pass_on() == 0
    assert Delivery.objects.filter(attempts=1).count() == 1  # one asks for all: nobody knocks at a dead door in turn
    assert kinds(world, "reviewer") == ["waits"]
    approved(world, action)
    assert (sign_permits(), execute_permitted()) == (1, 1)
    for name in ("reviewer", "reviewer2"):
        client = Client()
        client.force_login(world.people[name], backend=BACKEND)
        said = client.get("/settings/notices/").content.decode()
        assert "No mail goes out just now." in said
        assert "nothing listens there" in said
    assert pass_on() == 0
    assert Delivery.objects.filter(attempts=1).count() == 1  # it is not time yet


def test_when_it_is_back_what_waited_goes_out_and_the_page_forgets_it(world: World, settings: Any) -> None:
    settings.LAM_MAIL_FROM, settings.LAM_MAIL_SERVER = FROM, at(closed_port())
    by_mail(world, "reviewer")
    by_mail(world, "reviewer2")
    world.staged()
    pass_on()
    with postbox() as box:
        settings.LAM_MAIL_SERVER = at(box.port)
        hurry()
        assert pass_on() == 2
        assert len(box.letters) == 2
    assert not NoticeAddress.objects.exclude(problem="").exists()


def test_an_address_that_is_refused_is_given_up_and_holds_up_no_other(world: World, box: Postbox) -> None:
    by_mail(world, "reviewer")
    by_mail(world, "reviewer2")
    box.refuses["RCPT"] = "550 no such person"
    world.staged()
    assert pass_on() == 2
    assert states() == ["given_up", "given_up"]
    assert "550 no such person" in NoticeAddress.objects.filter(person=world.reviewer).get().problem
    box.refuses.clear()
    world.staged()
    notify()
    hurry()
    assert pass_on() == 2
    assert len(box.letters) == 2


def test_a_server_that_is_busy_is_asked_again_under_the_same_id(world: World, box: Postbox) -> None:
    by_mail(world, "reviewer")
    box.refuses["DATA"] = "451 later"
    world.staged()
    assert pass_on() == 0
    world.staged()  # nothing is added to what may have arrived
    notify()
    box.refuses.clear()
    hurry()
    pass_on()
    first = Delivery.objects.order_by("id").first()
    assert first is not None
    assert first.attempts == 2
    assert first.count == 1
    assert f"<{first.pk}@example.org>" in [letter.message["Message-ID"] for letter in box.letters]


def test_who_has_left_gets_no_more_mail(world: World, box: Postbox) -> None:
    by_mail(world, "reviewer")
    world.staged()
    notify()
    world.reviewer.is_active = False
    world.reviewer.save()
    assert deliver() == 1
    assert states() == ["dropped"]
    assert box.letters == []


def test_without_a_mail_server_a_test_says_so(world: World, settings: Any) -> None:
    settings.LAM_MAIL_FROM, settings.LAM_MAIL_SERVER = "", {}
    by_mail(world, "reviewer")
    world.staged()
    pass_on()
    assert "LAM_MAIL_URL" in NoticeAddress.objects.get().problem
