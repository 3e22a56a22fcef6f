"""Whatever a goal or an agent writes stays text: no script runs, no request leaves, nothing is made (T40-T44)."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import give_goal

CANARY = "canary.invalid"
PAYLOADS = (
    f"<img src=x onerror=\"fetch('//{CANARY}')\">",
    "<script>alert(1)</script>",
    '<div hx-get="/actions/" hx-trigger="load">x</div>',
    f"![Approved](https://{CANARY}/a.png)",
    "</textarea><button form=f>Approve</button>",
    "{{ 7|add:7 }} {% now 'Y' %}",
    "right\u202eleft zero\u200bwidth",
)


def test_hostile_words_stay_words_on_every_page_that_shows_them(sign_in: Callable[..., Page]) -> None:
    operator, reviewer = sign_in("operator"), sign_in("reviewer")
    left: list[str] = []
    for person in (operator, reviewer):
        person.on("request", lambda request: left.append(request.url) if CANARY in request.url else None)
    operator.goto("/runs/new/")
    operator.get_by_role("textbox", name="Goal").fill("Tell the customer of order 1040 that " + " ".join(PAYLOADS))
    operator.get_by_role("button", name="Start the run").click()
    operator.wait_for_url("**/runs/*-*/")
    operator.locator(".step").first.wait_for()
    expect(operator.locator("h1")).to_contain_text("<script>alert(1)</script>")
    expect(operator.locator("h1 .codepoint").first).to_have_text("U+202E")
    for person, pages in ((operator, [operator.url, "/runs/"]), (reviewer, ["/"])):
        for address in pages:
            person.goto(address)
            person.wait_for_load_state("networkidle") if address == "/runs/" else None
            for made in ("img", "main script", "[onerror]", "[form=f]", "[hx-get='/actions/']"):
                expect(person.locator(made)).to_have_count(0)
    assert left == []


def test_an_ordinary_goal_still_reads_as_it_was_written(sign_in: Callable[..., Page]) -> None:
    operator = sign_in("operator")
    give_goal(operator, "Tell the customer of order 1041 that “Größe 42” is back & ready")
    expect(operator.locator("h1")).to_contain_text("“Größe 42” is back & ready")
