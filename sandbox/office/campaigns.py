"""Campaigns: many messages at once, and nothing that takes them back."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sandbox.operations import Repeat, operation
from sandbox.shapes import Line, Shape, Text
from sandbox.store import Store, now

READERS = {"everybody": 18_240, "newsletter": 6_412, "bought_a_kettle": 873}


class Campaign(Shape):
    """Messages that went out."""

    campaign_id: str
    name: Line
    audience: Literal["everybody", "newsletter", "bought_a_kettle"]
    recipients: int
    subject: Line
    time: str


class LaunchCampaign(Shape):
    """What goes out, and to whom."""

    name: Line = Field(description="What the campaign is called in the office")
    audience: Literal["everybody", "newsletter", "bought_a_kettle"]
    subject: Line
    body: Text = Field(description="The text that everybody gets")


@operation(
    "POST",
    "/campaigns",
    tag="campaigns",
    status=201,
    example={
        "name": "Winter tea",
        "audience": "newsletter",
        "subject": "Tea weather",
        "body": "All teas are ten percent off until Sunday.",
    },
    repeat=Repeat.NEITHER,
    touches=("outside_message", "high_stakes"),
)
def launch_campaign(store: Store, asked: LaunchCampaign) -> Campaign:
    """Launch a campaign: send one message to many customers. It cannot be undone; a second call sends it again.

    Use it only when a person has agreed to the text and the audience.
    """
    campaign_id = f"CP-{store.number('campaign')}"
    campaign = Campaign(
        campaign_id=campaign_id,
        name=asked.name,
        audience=asked.audience,
        recipients=READERS[asked.audience],
        subject=asked.subject,
        time=now(),
    )
    return store.put(campaign_id, campaign)
