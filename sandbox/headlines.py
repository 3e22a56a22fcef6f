"""How each operation is put to the person who decides on it: a sentence, and the words on the button that says yes."""

from __future__ import annotations

from typing import Final

HEADLINES: Final[dict[str, tuple[str, str]]] = {
    "book_flight": (
        "Book a flight to {destination} on {date} for {passenger_name}",
        "Approve booking a flight to {destination}",
    ),
    "book_hotel": ("Book a hotel in {city}, {nights} nights from {check_in}", "Approve booking a hotel in {city}"),
    "cancel_event": ("Cancel event {event_id}", "Approve cancelling {event_id}"),
    "cancel_flight": ("Cancel flight booking {booking_id}", "Approve cancelling {booking_id}"),
    "cancel_hotel": ("Cancel hotel booking {booking_id}", "Approve cancelling {booking_id}"),
    "cancel_interview": ("Cancel interview {interview_id}", "Approve cancelling {interview_id}"),
    "cancel_refund": ("Cancel refund {refund_id}", "Approve cancelling {refund_id}"),
    "close_ticket": ("Close ticket {ticket_id}", "Approve closing {ticket_id}"),
    "create_event": ("Put {title} into the calendar, {start}", "Approve putting {title} into the calendar"),
    "create_refund": ("Refund order {order_id}: {reason}", "Approve refund of order {order_id}"),
    "create_user": ("Create a user for {email} as {role}", "Approve creating user {email}"),
    "delete_user": ("Delete user {user_id}", "Approve deleting {user_id}"),
    "erase_record": ("Erase record {record_id}", "Approve erasing {record_id}"),
    "find_contact": ("Find contact {name}", "Approve looking for {name}"),
    "find_effect": ("Ask what became of call {key}", "Approve asking for {key}"),
    "get_candidate": ("Look up candidate {candidate_id}", "Approve reading {candidate_id}"),
    "get_customer": ("Look up customer {customer_id}", "Approve reading {customer_id}"),
    "get_invoice": ("Look up invoice {invoice_id}", "Approve reading {invoice_id}"),
    "get_order": ("Look up order {order_id}", "Approve reading order {order_id}"),
    "get_refund": ("Look up refund {refund_id}", "Approve reading {refund_id}"),
    "get_stock": ("Look up the stock of {sku}", "Approve reading the stock of {sku}"),
    "get_ticket": ("Look up ticket {ticket_id}", "Approve reading {ticket_id}"),
    "invoice_balance": ("Look up the balance of {invoice_id}", "Approve reading {invoice_id}"),
    "launch_campaign": ("Send the campaign {name} to {audience}: {subject}", "Approve sending campaign {name}"),
    "list_orders": ("List orders", "Approve listing orders"),
    "open_ticket": ("Open a ticket: {subject}", "Approve opening this ticket"),
    "order_balance": ("Look up the balance of order {order_id}", "Approve reading order {order_id}"),
    "pay_invoice": ("Pay invoice {invoice_id}", "Approve paying {invoice_id}"),
    "read_record": ("Look up record {record_id}", "Approve reading {record_id}"),
    "release": ("Release reservation {reservation_id}", "Approve releasing {reservation_id}"),
    "reply_to_ticket": ("Reply to ticket {ticket_id}: {text}", "Approve reply to {ticket_id}"),
    "reserve": ("Reserve {quantity} units of {sku}", "Approve reserving {quantity} of {sku}"),
    "schedule_interview": (
        "Invite candidate {candidate_id} to an interview, {start}",
        "Approve inviting to this interview",
    ),
    "search_flights": ("Search flights", "Approve searching flights"),
    "send_message": ("Send a message to {to}", "Approve message to {to}"),
    "update_customer": ("Change customer {customer_id}", "Approve changing {customer_id}"),
    "write_record": ("Write a record into {table}", "Approve writing this record"),
}

RECIPIENTS: Final[dict[str, tuple[str, ...]]] = {
    "create_event": ("attendees",),
    "launch_campaign": ("audience",),
    "schedule_interview": ("interviewers",),
    "send_message": ("to",),
}
"""Arguments that say who hears of it."""
