"""Orders and refunds."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from sandbox.office.people import CustomerId
from sandbox.operations import operation
from sandbox.shapes import Amount, Currency, Line, Money, Shape, Sku, Text, conflict
from sandbox.store import Store, now

OrderId = Annotated[int, Field(ge=1, le=999_999, description="An order's number", examples=[1009])]
RefundId = Annotated[str, Field(pattern=r"^RF-\d{1,8}$", description="A refund's id", examples=["RF-5001"])]
Status = Literal["placed", "shipped", "delayed", "delivered", "cancelled"]


class OrderLine(Shape):
    """One article of an order."""

    sku: Sku
    article: Line
    quantity: int
    price: Money


class Order(Shape):
    """What somebody bought."""

    order_id: OrderId
    customer_id: CustomerId
    customer: Line
    status: Status
    lines: list[OrderLine]
    paid: Money
    refunded: Money = Field(description="How much of it was given back")
    note: str = ""


class Refund(Shape):
    """Money that was given back."""

    refund_id: RefundId
    order_id: OrderId
    amount: Money
    reason: Text
    status: Literal["issued", "cancelled"]
    time: str


class GetOrder(Shape):
    """Which order."""

    order_id: OrderId


class ListOrders(Shape):
    """Which orders."""

    customer_id: CustomerId | None = None
    status: Status | None = None
    limit: int = Field(default=20, ge=1, le=100, description="How many at most")


class Orders(Shape):
    """The orders that were found."""

    orders: list[Order]


class CreateRefund(Shape):
    """What is refunded, and why."""

    order_id: OrderId
    amount: Amount | None = Field(
        default=None, description="How much; without it, everything that is left of the order"
    )
    currency: Currency | None = Field(default=None, description="The order's currency; any other is refused")
    reason: Text = Field(description="Why the money is given back")


class OneRefund(Shape):
    """Which refund."""

    refund_id: RefundId


@operation("GET", "/orders/{order_id}", tag="orders", example={"order_id": 1009})
def get_order(store: Store, asked: GetOrder) -> Order:
    """Get an order: who bought what, what was paid, and where it is.

    Use it before you change, refund or talk about an order.
    """
    return store.need(Order, asked.order_id, "order")


@operation("GET", "/orders", tag="orders", example={"customer_id": "C-201", "limit": 5})
def list_orders(store: Store, asked: ListOrders) -> Orders:
    """List orders, of one customer or in one status.

    Use it when a goal names a customer but no order number.
    """
    found = [
        one
        for one in store.all(Order)
        if asked.customer_id in (None, one.customer_id) and asked.status in (None, one.status)
    ]
    return Orders(orders=found[: asked.limit])


@operation(
    "POST",
    "/refunds",
    tag="refunds",
    status=201,
    example={"order_id": 1009, "reason": "The kettle arrived broken."},
    undo="cancel_refund",
    touches=("money",),
)
def create_refund(store: Store, asked: CreateRefund) -> Refund:
    """Refund an order, wholly or in part.

    Use it when a customer gets money back: something arrived broken, late or not at all. The customer is not told;
    send a message as well where they should know.
    """
    order = store.need(Order, asked.order_id, "order")
    if asked.currency not in (None, order.paid.currency):
        raise conflict("wrong_currency", f"Order {order.order_id} was paid in {order.paid.currency}.")
    left = order.paid.value - order.refunded.value
    amount = left if asked.amount is None else Decimal(asked.amount)
    if amount > left or not left:
        text = f"Order {order.order_id} has {left:.2f} {order.paid.currency} left to refund"
        raise conflict("too_much", f"{text}, not {amount:.2f}." if left else f"{text}.")
    store.put(order.order_id, order.model_copy(update={"refunded": order.refunded.plus(amount)}))
    refund_id = f"RF-{store.number('refund')}"
    money = Money(amount=f"{amount:.2f}", currency=order.paid.currency)
    return store.put(
        refund_id,
        Refund(
            refund_id=refund_id, order_id=order.order_id, amount=money, reason=asked.reason, status="issued", time=now()
        ),
    )


@operation("GET", "/refunds/{refund_id}", tag="refunds", example={"refund_id": "RF-4001"})
def get_refund(store: Store, asked: OneRefund) -> Refund:
    """Get a refund.

    Use it to see whether a refund was issued or cancelled, and how much it was.
    """
    return store.need(Refund, asked.refund_id, "refund")


@operation("POST", "/refunds/{refund_id}/cancel", tag="refunds", example={"refund_id": "RF-4001"}, touches=("money",))
def cancel_refund(store: Store, asked: OneRefund) -> Refund:
    """Cancel a refund that was issued by mistake.

    Use it to take a refund back; the amount can then be refunded again.
    """
    refund = store.need(Refund, asked.refund_id, "refund")
    if refund.status == "cancelled":
        raise conflict("already_cancelled", f"Refund {refund.refund_id} is cancelled already.")
    order = store.need(Order, refund.order_id, "order")
    store.put(order.order_id, order.model_copy(update={"refunded": order.refunded.plus(-refund.amount.value)}))
    return store.put(refund.refund_id, refund.model_copy(update={"status": "cancelled"}))


def furnish(store: Store) -> None:
    """The orders of the first day. Order 1009 is the kettle that is late."""
    articles = {
        "KTL-1": ("Stovetop kettle, 1.7 l", "49.90"),
        "MUG-4": ("Stoneware mugs, set of four", "32.00"),
        "TEA-2": ("Assam tea, 500 g", "14.50"),
        "POT-3": ("Cast-iron teapot, 0.8 l", "78.00"),
        "TRY-7": ("Oak serving tray", "41.20"),
    }
    days: tuple[tuple[int, str, str, Status, str, int, str], ...] = (
        (1007, "C-205", "Leila Haddad", "delivered", "POT-3", 1, ""),
        (1008, "C-203", "Sofia Marchetti", "shipped", "MUG-4", 2, ""),
        (1009, "C-201", "Amara Okafor", "delayed", "KTL-1", 1, "Held at the carrier's hub; expected on Friday."),
        (1010, "C-202", "Daniel Whitlock", "delivered", "KTL-1", 1, ""),
        (1011, "C-204", "Tomasz Zielinski", "placed", "TEA-2", 4, ""),
        (1012, "C-201", "Amara Okafor", "delivered", "TRY-7", 1, ""),
        (1013, "C-205", "Leila Haddad", "delivered", "POT-3", 4, "Gift wrapping was paid and forgotten."),
    )
    for number, customer_id, customer, status, sku, quantity, note in days:
        article, price = articles[sku]
        each = Money(amount=price, currency="EUR")
        paid = Money(amount=f"{each.value * quantity:.2f}", currency="EUR")
        refunded = Money(amount="8.00" if number == 1012 else "0.00", currency="EUR")
        line = OrderLine(sku=sku, article=article, quantity=quantity, price=each)
        order = Order(
            order_id=number,
            customer_id=customer_id,
            customer=customer,
            status=status,
            lines=[line],
            paid=paid,
            refunded=refunded,
            note=note,
        )
        store.put(number, order)
    store.put(
        "RF-4001",
        Refund(
            refund_id="RF-4001",
            order_id=1012,
            amount=Money(amount="8.00", currency="EUR"),
            reason="A scratch on the tray.",
            status="issued",
            time=now(),
        ),
    )
