"""Where the dial stands, and whose word it is that keeps a tool from being turned up."""

from __future__ import annotations

from django.urls import reverse

from tests.integration.test_people_pages import browser
from tests.support.world import World


def test_whoever_only_looks_at_the_dials_address_is_led_to_the_tool(world: World) -> None:
    tool = world.tool("send_message")
    answer = browser(world, "operator").get(reverse("tool_dial", args=[tool.pk]))
    assert (answer.status_code, answer.url) == (302, f"{reverse('tool', args=[tool.pk])}#dial")


def test_what_only_the_contract_can_change_says_whose_word_that_is(world: World) -> None:
    shown = browser(world, "administrator").get(reverse("tool", args=[world.tool("send_message").pk])).content.decode()
    assert '#contract">Who can change that</a>' in shown
    assert 'id="contract"' in shown
    assert "whoever writes the program does" in shown
