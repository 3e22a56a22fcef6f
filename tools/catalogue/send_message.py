"""send_message: the demo's outbox. It is *keyed*: a second call with the same key is the first one again."""

from pydantic import BaseModel, Field

from tools.connecting import Call
from tools.connectors.python import tool
from tools.contract import Category, Idempotency, Tier
from tools.models import OutboxMessage
from traces.canonical import JSON

MONTH = 30 * 24 * 3600


class Message(BaseModel):
    """What is sent, and to whom."""

    to: str = Field(
        title="To",
        min_length=1,
        max_length=200,
        description="Who the message is for: an address, or a customer of an order",
    )
    subject: str = Field(default="About your order", title="Subject", max_length=200, description="The subject line")
    body: str = Field(title="Message", min_length=1, max_length=5000, description="The text of the message")


@tool(
    title="Send message",
    tier=Tier.WRITE,
    idempotency=Idempotency.keyed(MONTH),
    categories=frozenset({Category.OUTSIDE_MESSAGE}),
    summary="Send a message to {to}",
    consent="Approve message to {to}",
    recipient_fields=("to",),
)
def send_message(arguments: Message, call: Call) -> dict[str, JSON]:
    """Send a message to a customer: tell, inform, notify or write to somebody outside the company."""
    message, fresh = OutboxMessage.objects.get_or_create(
        key=call.key,
        defaults={
            "organization": call.organization,
            "to": arguments.to,
            "subject": arguments.subject,
            "body": arguments.body,
        },
    )
    return {"message": str(message.id), "repeated": not fresh}
