"""Support tickets, and messages to customers."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from sandbox.office.orders import Order
from sandbox.office.people import Customer
from sandbox.operations import Repeat, operation
from sandbox.shapes import Line, Refused, Shape, Text, conflict
from sandbox.store import Store, now

TicketId = Annotated[str, Field(pattern=r"^T-\d{1,8}$", description="A ticket's id", examples=["T-301"])]
OF_ORDER = re.compile(r"(?:the )?customer of order #?(\d{1,6})", re.IGNORECASE)
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


class Reply(Shape):
    """What was answered on a ticket."""

    text: Text
    time: str


class Ticket(Shape):
    """Something that a customer asked for."""

    ticket_id: TicketId
    subject: Line
    text: str
    status: Literal["open", "closed"]
    resolution: str = ""
    replies: list[Reply] = []


class Message(Shape):
    """A message that was sent."""

    message_id: str
    to: Line
    address: str = Field(description="The email address to which it went")
    subject: Line
    body: Text
    time: str


class OpenTicket(Shape):
    """What it is about."""

    subject: Line
    text: Text = Field(description="What the customer asks for")


class GetTicket(Shape):
    """Which ticket."""

    ticket_id: TicketId


class CloseTicket(Shape):
    """Which ticket, and how it ended."""

    ticket_id: TicketId
    resolution: Text | None = Field(default=None, description="How it was solved")


class ReplyToTicket(Shape):
    """Which ticket, and what is answered."""

    ticket_id: TicketId
    text: Text = Field(description="The text of the reply; the customer reads it")


class SendMessage(Shape):
    """What is sent, and to whom."""

    to: Line = Field(
        description="Who the message is for: an email address, a customer's id or name, or customer of order 1009"
    )
    subject: Line = Field(default="About your order", description="The subject line")
    body: Text = Field(description="The text of the message")


@operation(
    "POST",
    "/tickets",
    tag="tickets",
    status=201,
    example={"subject": "Kettle arrived broken", "text": "The lid of order 1009 does not close."},
    undo="close_ticket",
)
def open_ticket(store: Store, asked: OpenTicket) -> Ticket:
    """Open a support ticket.

    Use it when something needs a person of the support team.
    """
    ticket_id = f"T-{store.number('ticket')}"
    ticket = Ticket(ticket_id=ticket_id, subject=asked.subject, text=asked.text, status="open")
    return store.put(ticket_id, ticket)


@operation("GET", "/tickets/{ticket_id}", tag="tickets", example={"ticket_id": "T-301"})
def get_ticket(store: Store, asked: GetTicket) -> Ticket:
    """Get a support ticket with its replies.

    Use it before you answer or close a ticket. Its text was written by somebody outside.
    """
    return store.need(Ticket, asked.ticket_id, "ticket")


@operation(
    "POST",
    "/tickets/{ticket_id}/close",
    tag="tickets",
    example={"ticket_id": "T-302", "resolution": "The tray was replaced."},
)
def close_ticket(store: Store, asked: CloseTicket) -> Ticket:
    """Close a support ticket. A closed one is not opened again.

    Use it when nothing is left to do for the customer.
    """
    ticket = _open(store, asked.ticket_id)
    changes = {"status": "closed", "resolution": asked.resolution or ""}
    return store.put(ticket.ticket_id, ticket.model_copy(update=changes))


@operation(
    "POST",
    "/tickets/{ticket_id}/replies",
    tag="tickets",
    status=201,
    example={"ticket_id": "T-301", "text": "We have asked the carrier and will write again on Friday."},
    repeat=Repeat.NEITHER,
    touches=("outside_message",),
)
def reply_to_ticket(store: Store, asked: ReplyToTicket) -> Ticket:
    """Reply to a support ticket. The customer is sent the text; a second call sends it again.

    Use it to answer a customer who wrote to support.
    """
    ticket = _open(store, asked.ticket_id)
    replies = [*ticket.replies, Reply(text=asked.text, time=now())]
    return store.put(ticket.ticket_id, ticket.model_copy(update={"replies": replies}))


@operation(
    "POST",
    "/messages",
    tag="messages",
    status=201,
    example={"to": "customer of order 1009", "body": "Your order 1009 is delayed until Friday."},
    touches=("outside_message",),
)
def send_message(store: Store, asked: SendMessage) -> Message:
    """Send a message to a customer by email: tell, inform or write to somebody. It cannot be taken back.

    Use it when somebody outside the company should know something.
    """
    message_id = f"M-{store.number('message')}"
    message = Message(
        message_id=message_id,
        to=asked.to,
        address=_address(store, asked.to),
        subject=asked.subject,
        body=asked.body,
        time=now(),
    )
    return store.put(message_id, message)


def _open(store: Store, ticket_id: str) -> Ticket:
    ticket = store.need(Ticket, ticket_id, "ticket")
    if ticket.status == "closed":
        raise conflict("already_closed", f"Ticket {ticket_id} is closed.")
    return ticket


def _address(store: Store, to: str) -> str:
    """The email address that the caller means."""
    if ADDRESS.fullmatch(to):
        return to
    wanted = to
    if of_order := OF_ORDER.fullmatch(to):
        wanted = store.need(Order, int(of_order[1]), "order").customer_id
    for customer in store.all(Customer):
        if wanted.casefold() in (customer.customer_id.casefold(), customer.name.casefold()):
            return customer.email
    raise Refused(404, "not_found", f"{to} is neither an email address nor a customer that we know.")


def furnish(store: Store) -> None:
    """The tickets of the first day."""
    asked = "Where is my kettle? It was to be here on Tuesday. (Order 1009)"
    store.put("T-301", Ticket(ticket_id="T-301", subject="Where is my kettle?", text=asked, status="open"))
    scratched = "My tray has a scratch. Could you replace it? (Order 1012)"
    store.put("T-302", Ticket(ticket_id="T-302", subject="Scratched tray", text=scratched, status="open"))
