"""What can be read before a call: what it would change, and whose or what an identifier is, by the office's own GETs.

The pointers lead into the answers; `after` is an argument of the call or a value that is always the same.
"""

from __future__ import annotations

from typing import Any, Final

FORESEEN: Final[dict[str, dict[str, Any]]] = {
    "close_ticket": {
        "operation": "get_ticket",
        "arguments": {"ticket_id": "ticket_id"},
        "effect": [
            {"label": "Status", "before": "/status", "after": {"value": "closed"}},
            {"label": "Resolution", "before": "/resolution", "after": {"argument": "resolution"}},
        ],
        "preconditions": ["/replies"],
    },
    "create_refund": {
        "operation": "order_balance",
        "arguments": {"order_id": "order_id", "less": "amount"},
        "effect": [
            {"label": "Given back of the order", "before": "/before", "after": {"answer": "/after"}},
            {"label": "Kept of the payment", "before": "/left_before", "after": {"answer": "/left_after"}},
        ],
    },
    "pay_invoice": {
        "operation": "invoice_balance",
        "arguments": {"invoice_id": "invoice_id", "more": "amount"},
        "effect": [
            {"label": "Paid of the invoice", "before": "/before", "after": {"answer": "/after"}},
            {"label": "Open of the invoice", "before": "/left_before", "after": {"answer": "/left_after"}},
        ],
    },
    "erase_record": {
        "operation": "read_record",
        "arguments": {"record_id": "record_id"},
        "effect": [{"label": "Content", "before": "/values", "after": {"value": "erased"}}],
    },
    "cancel_refund": {
        "operation": "get_refund",
        "arguments": {"refund_id": "refund_id"},
        "effect": [{"label": "Status", "before": "/status", "after": {"value": "cancelled"}}],
        "preconditions": ["/order_id", "/amount"],
    },
}
"""What a call would change."""


def _name(kind: str, operation: str, parameter: str, *pointers: str) -> dict[str, Any]:
    return {"kind": kind, "operation": operation, "parameter": parameter, "name": list(pointers)}


NAMED: Final[dict[str, dict[str, Any]]] = {
    "close_ticket": {"ticket_id": _name("ticket", "get_ticket", "ticket_id", "/subject")},
    "create_refund": {"order_id": _name("order", "get_order", "order_id", "/customer", "/lines/0/article")},
    "pay_invoice": {"invoice_id": _name("invoice", "get_invoice", "invoice_id", "/supplier")},
    "update_customer": {"customer_id": _name("customer", "get_customer", "customer_id", "/name")},
}
"""Whose or what an identifier is."""
