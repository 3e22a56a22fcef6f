"""Invoices of suppliers. Paying is not remembered by a key: one has to ask afterwards."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from sandbox.operations import Repeat, operation
from sandbox.shapes import Amount, Currency, Line, Money, Shape, conflict
from sandbox.store import Store, now

InvoiceId = Annotated[str, Field(pattern=r"^INV-\d{1,6}$", description="An invoice's number", examples=["INV-203"])]


class Invoice(Shape):
    """What a supplier wants to be paid."""

    invoice_id: InvoiceId
    supplier: Line
    total: Money
    paid: Money
    status: Literal["open", "paid"]
    due: str = Field(description="The day by which it is to be paid", json_schema_extra={"format": "date"})


class Payment(Shape):
    """Money that left."""

    payment_id: str
    invoice_id: InvoiceId
    amount: Money
    left: Money = Field(description="What is still open")
    time: str


class GetInvoice(Shape):
    """Which invoice."""

    invoice_id: InvoiceId


class PayInvoice(Shape):
    """Which invoice, and how much of it."""

    invoice_id: InvoiceId
    amount: Amount | None = Field(default=None, description="How much; without it, everything that is open")
    currency: Currency | None = Field(default=None, description="The invoice's currency; any other is refused")


@operation("GET", "/invoices/{invoice_id}", tag="invoices", example={"invoice_id": "INV-203"})
def get_invoice(store: Store, asked: GetInvoice) -> Invoice:
    """Get an invoice: whose it is, how much is open, and until when.

    Use it before you pay.
    """
    return store.need(Invoice, asked.invoice_id, "invoice")


@operation(
    "POST",
    "/invoices/{invoice_id}/payments",
    tag="invoices",
    status=201,
    example={"invoice_id": "INV-203"},
    repeat=Repeat.QUERYABLE,
    touches=("money",),
)
def pay_invoice(store: Store, asked: PayInvoice) -> Payment:
    """Pay an invoice of a supplier, wholly or in part. This cannot be undone.

    Use it when an invoice is to be settled. A second call pays again: give the call a Payment-Reference, and when its
    answer was lost ask find_effect about that reference before you pay once more.
    """
    invoice = store.need(Invoice, asked.invoice_id, "invoice")
    if asked.currency not in (None, invoice.total.currency):
        raise conflict("wrong_currency", f"Invoice {invoice.invoice_id} is in {invoice.total.currency}.")
    open_ = invoice.total.value - invoice.paid.value
    amount = open_ if asked.amount is None else Decimal(asked.amount)
    if not open_:
        raise conflict("already_paid", f"Invoice {invoice.invoice_id} is paid already.")
    if amount > open_:
        raise conflict("too_much", f"Invoice {invoice.invoice_id} has {open_:.2f} open, not {amount:.2f}.")
    paid = invoice.paid.plus(amount)
    status = "paid" if paid == invoice.total else "open"
    store.put(invoice.invoice_id, invoice.model_copy(update={"paid": paid, "status": status}))
    currency = invoice.total.currency
    payment = Payment(
        payment_id=f"PAY-{store.number('payment')}",
        invoice_id=invoice.invoice_id,
        amount=Money(amount=f"{amount:.2f}", currency=currency),
        left=Money(amount=f"{open_ - amount:.2f}", currency=currency),
        time=now(),
    )
    return store.put(payment.payment_id, payment)


def furnish(store: Store) -> None:
    """The invoices of the first day."""
    rows: tuple[tuple[str, str, str, Currency, str], ...] = (
        ("INV-203", "Northwind Kettles", "1840.00", "EUR", "2026-12-01"),
        ("INV-204", "Parcel & Pigeon Logistics", "312.75", "EUR", "2026-11-28"),
        ("INV-205", "Leeds Stoneware Ltd", "96.40", "GBP", "2026-12-15"),
    )
    for number, supplier, total, currency, due in rows:
        invoice = Invoice(
            invoice_id=number,
            supplier=supplier,
            total=Money(amount=total, currency=currency),
            paid=Money(amount="0.00", currency=currency),
            status="open",
            due=due,
        )
        store.put(number, invoice)
