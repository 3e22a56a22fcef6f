"""What an order or an invoice comes to, and would come to: nothing is changed, so whoever is about to move money can
ask first."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from sandbox.office.invoices import Invoice, InvoiceId
from sandbox.office.orders import Order, OrderId
from sandbox.operations import operation
from sandbox.shapes import Amount, Line, Money, Shape, conflict
from sandbox.store import Store


class OrderBalance(Shape):
    """Of which order, and how much less."""

    order_id: OrderId
    less: Amount | None = Field(default=None, description="How much less the shop would have; without it, all of it")


class InvoiceBalance(Shape):
    """Of which invoice, and how much more."""

    invoice_id: InvoiceId
    more: Amount | None = Field(default=None, description="How much more would be settled; without it, all of it")


class Balance(Shape):
    """Before and after, each an amount with its currency."""

    before: Line = Field(description="What has been moved so far")
    after: Line = Field(description="What would have been moved then")
    left_before: Line = Field(description="What is left of the whole")
    left_after: Line = Field(description="What would be left of it then")
    whole: Line


@operation("GET", "/orders/{order_id}/balance", tag="orders", example={"order_id": 1009})
def order_balance(store: Store, asked: OrderBalance) -> Balance:
    """Get the balance sheet of one purchase.

    Use it to compare how it stands with how it would stand. Nothing is changed.
    """
    order = store.need(Order, asked.order_id, "order")
    return _balance(f"Order {order.order_id}", order.paid, order.refunded, asked.less)


@operation("GET", "/invoices/{invoice_id}/balance", tag="invoices", example={"invoice_id": "INV-203"})
def invoice_balance(store: Store, asked: InvoiceBalance) -> Balance:
    """Get the balance sheet of one bill.

    Use it to compare how it stands with how it would stand. Nothing is changed.
    """
    invoice = store.need(Invoice, asked.invoice_id, "invoice")
    return _balance(f"Invoice {invoice.invoice_id}", invoice.total, invoice.paid, asked.more)


def _balance(what: str, whole: Money, moved: Money, asked: str | None) -> Balance:
    left = whole.plus(-moved.value)
    by = left.value if asked is None else Decimal(asked)
    if not left.value or by > left.value:
        raise conflict("too_much", f"{what} has {left} left, not {by:.2f}.")
    return Balance(
        before=str(moved),
        after=str(moved.plus(by)),
        left_before=str(left),
        left_after=str(left.plus(-by)),
        whole=str(whole),
    )
