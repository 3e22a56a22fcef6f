"""Nobody knows whether it happened: it waits in a lane of its own until a person has looked, and is never repeated."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import faults_everywhere, give_goal, picture, says_yes
from tests.support.up import Up, until


@contextmanager
def nothing_can_be_written(product: Up) -> Iterator[psycopg.Connection]:
    """While this lasts, the notebook keeps whoever writes into it waiting."""
    owner = json.loads((product.home / "run" / "services.json").read_text())["owner"]
    with psycopg.connect(owner) as connection:
        connection.execute("LOCK TABLE tools_note IN EXCLUSIVE MODE")
        yield connection
        connection.rollback()


def held_up(connection: psycopg.Connection) -> bool:
    """Whether a call stands before the notebook."""
    found = connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'tools_note'::regclass")
    return found.fetchone() is not None


def lose_the_answer(product: Up, reviewer: Page, about: str) -> None:
    """Approve the note, and kill the executor in the middle of its call."""
    reviewer.goto("/")
    reviewer.locator(".row", has_text=about).first.click()
    expect(reviewer.locator(".args")).to_contain_text(about)
    with nothing_can_be_written(product) as connection:
        says_yes(reviewer)
        until(lambda: held_up(connection), 20, "the executor is inside the call")
        product.child("executor1").kill()
    expect(reviewer.locator("#card-status")).to_have_text("Unknown outcome")


@pytest.mark.parametrize(
    ("button", "confirm", "badge", "run_says"),
    [
        ("It happened…", "Record that it happened", "Done", "Succeeded"),
        ("It did not happen…", "Record that it did not happen", "Failed", "Needs a person"),
    ],
)
def test_a_person_settles_what_nobody_knows_and_the_run_goes_on(
    product: Up, sign_in: Callable[..., Page], button: str, confirm: str, badge: str, run_says: str
) -> None:
    about = f"customer {'2001' if badge == 'Done' else '2002'}"
    operator, reviewer = sign_in("operator"), sign_in("reviewer")
    run = give_goal(operator, f"Write a note about order 1009: it says that {about} asked for a call back")
    lose_the_answer(product, reviewer, about)

    reviewer.goto("/")
    expect(reviewer.locator(".row", has_text=about)).to_have_count(0)
    reviewer.get_by_role("link", name=re.compile("^Unknown outcome")).first.click()
    expect(reviewer.locator("h1")).to_contain_text(["Unknown outcome"])
    reviewer.locator(".row", has_text=about).first.click()
    outcome = reviewer.locator("#card-outcome")
    expect(outcome).to_contain_text("What was sent")
    expect(outcome).to_contain_text("nobody knows how far it got")
    expect(outcome).to_contain_text("No answer")
    expect(outcome).to_contain_text("Whether it had its effect")
    expect(reviewer.get_by_role("button", name=re.compile("^Approve"))).to_have_count(0)
    assert faults_everywhere(reviewer) == []
    if badge == "Done":
        picture(reviewer, "unknown-outcome")

    reviewer.get_by_role("button", name=button, exact=True).click()
    reviewer.locator("[popover]:popover-open").get_by_label("How do you know?").fill("I looked into the notebook.")
    reviewer.get_by_role("button", name=confirm, exact=True).click()
    expect(reviewer.locator("#card-status")).to_have_text(badge)
    expect(reviewer.locator("#card-votes")).to_contain_text("I looked into the notebook.")
    operator.goto(run)
    expect(operator.locator(".run-state")).to_contain_text(run_says)
    reviewer.goto("/tools/outbox/")
    assert reviewer.locator("tr", has_text=about).count() <= 1  # whatever became of it, it was not tried again
