"""What is in the warehouse, and for whom it is kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sandbox.office.orders import OrderId
from sandbox.operations import operation
from sandbox.shapes import Line, Shape, Sku, conflict
from sandbox.store import Store

ReservationId = Annotated[str, Field(pattern=r"^RS-\d{1,8}$", description="A reservation's id", examples=["RS-5001"])]


class Stock(Shape):
    """How much there is of an article."""

    sku: Sku
    article: Line
    available: int = Field(description="Units that are neither sold nor reserved")
    reserved: int


class Reservation(Shape):
    """Units that are kept for somebody."""

    reservation_id: ReservationId
    sku: Sku
    quantity: int
    order_id: OrderId | None
    status: Literal["held", "released"]


class GetStock(Shape):
    """Which article."""

    sku: Sku


class Reserve(Shape):
    """What is kept, and how much of it."""

    sku: Sku
    quantity: int = Field(ge=1, le=1000, description="How many units")
    order_id: OrderId | None = Field(default=None, description="The order for which they are kept")


class Release(Shape):
    """Which reservation."""

    reservation_id: ReservationId


@operation("GET", "/inventory/{sku}", tag="inventory", example={"sku": "KTL-1"})
def get_stock(store: Store, asked: GetStock) -> Stock:
    """Get how many units of an article are in stock.

    Use it before you promise a delivery or reserve units.
    """
    return store.need(Stock, asked.sku, "article")


@operation(
    "POST",
    "/reservations",
    tag="inventory",
    status=201,
    example={"sku": "KTL-1", "quantity": 3},
    undo="release",
)
def reserve(store: Store, asked: Reserve) -> Reservation:
    """Reserve units of an article, so that nobody else can sell them.

    Use it when units are to be kept for an order or a replacement.
    """
    stock = store.need(Stock, asked.sku, "article")
    if asked.quantity > stock.available:
        raise conflict("out_of_stock", f"{stock.available} units of {stock.sku} are available, not {asked.quantity}.")
    _shift(store, stock, asked.quantity)
    reservation_id = f"RS-{store.number('reservation')}"
    return store.put(
        reservation_id,
        Reservation(
            reservation_id=reservation_id,
            sku=asked.sku,
            quantity=asked.quantity,
            order_id=asked.order_id,
            status="held",
        ),
    )


@operation("POST", "/reservations/{reservation_id}/release", tag="inventory", example={"reservation_id": "RS-4001"})
def release(store: Store, asked: Release) -> Reservation:
    """Release a reservation, so that its units can be sold again.

    Use it when units that were reserved are not needed any more.
    """
    held = store.need(Reservation, asked.reservation_id, "reservation")
    if held.status == "released":
        raise conflict("already_released", f"Reservation {held.reservation_id} is released already.")
    _shift(store, store.need(Stock, held.sku, "article"), -held.quantity)
    return store.put(held.reservation_id, held.model_copy(update={"status": "released"}))


def _shift(store: Store, stock: Stock, quantity: int) -> None:
    moved = {"available": stock.available - quantity, "reserved": stock.reserved + quantity}
    store.put(stock.sku, stock.model_copy(update=moved))


def furnish(store: Store) -> None:
    """The warehouse on the first day."""
    for sku, article, available, reserved in (
        ("KTL-1", "Stovetop kettle, 1.7 l", 24, 2),
        ("MUG-4", "Stoneware mugs, set of four", 60, 0),
        ("TEA-2", "Assam tea, 500 g", 140, 0),
        ("POT-3", "Cast-iron teapot, 0.8 l", 3, 0),
        ("TRY-7", "Oak serving tray", 0, 0),
    ):
        store.put(sku, Stock(sku=sku, article=article, available=available, reserved=reserved))
    kept = Reservation(reservation_id="RS-4001", sku="KTL-1", quantity=2, order_id=1010, status="held")
    store.put("RS-4001", kept)
