"""The types that operations speak in: shapes, money, and how a request is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

JSON: TypeAlias = Any
"""What a JSON text holds."""


def _spoken(name: str, _: Any) -> str:
    """`order_id` as a form would label it: "Order id"."""
    return name.replace("_", " ").capitalize()


class Shape(BaseModel):
    """A JSON object with exactly the fields that it names."""

    model_config = ConfigDict(extra="forbid", field_title_generator=_spoken, defer_build=True)


_EMAIL = r"^[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9]+(-[A-Za-z0-9]+)*(\.[A-Za-z0-9]+(-[A-Za-z0-9]+)*)+$"
Currency = Literal["EUR", "USD", "GBP"]
Amount = Annotated[
    str,
    Field(
        pattern=r"^([1-9]\d{0,8}\.\d{2}|0\.(0[1-9]|[1-9]\d))$",
        description="An amount above zero, as a decimal string with two places",
        examples=["49.90"],
    ),
]
Email = Annotated[
    str,
    Field(pattern=_EMAIL, max_length=64, json_schema_extra={"format": "email"}),
]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Text on one line."""
Text = Annotated[str, Field(min_length=1, max_length=5000)]
Sku = Annotated[str, Field(pattern=r"^[A-Z]{3}-\d{1,4}$", description="A stock keeping unit", examples=["KTL-1"])]


class Money(Shape):
    """An amount in a currency. Zero is written "0.00"."""

    amount: str = Field(pattern=r"^\d{1,9}\.\d{2}$", description="A decimal string with two places")
    currency: Currency

    @property
    def value(self) -> Decimal:
        return Decimal(self.amount)

    def plus(self, more: Decimal) -> Money:
        """This much more, or less, of the same currency."""
        return Money(amount=f"{self.value + more:.2f}", currency=self.currency)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class FieldError(Shape):
    """What is wrong with one field of a request."""

    path: str = Field(description="Where the field is, such as body.order_id or query.limit")
    text: str


class Problem(Shape):
    """Why a request was not carried out (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    code: str = Field(description="A stable word for programs")
    detail: str = Field(description="A sentence for people")
    errors: list[FieldError] = []


TITLES = {
    400: "Not understood",
    404: "Not found",
    405: "Method not allowed",
    409: "In conflict with how things are",
    411: "Length required",
    413: "Too large",
    415: "Not JSON",
    422: "Not valid",
    429: "Too many requests",
    500: "Something broke",
    503: "Not available",
}


class Refused(Exception):
    """The office does not do this. Nothing was changed."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        errors: list[FieldError] | None = None,
        *,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.status, self.code, self.detail = status, code, detail
        self.errors, self.headers = errors or [], headers or {}
        super().__init__(detail)

    def problem(self) -> dict[str, JSON]:
        """The answer that says so."""
        title = TITLES.get(self.status, "Refused")
        problem = Problem(title=title, status=self.status, code=self.code, detail=self.detail, errors=self.errors)
        return problem.model_dump(mode="json")


def conflict(code: str, detail: str) -> Refused:
    """It is well said, and cannot be done as things are."""
    return Refused(409, code, detail)


def invalid(path: str, text: str) -> Refused:
    """One field of the request is wrong."""
    return Refused(422, "invalid", f"{path}: {text}", [FieldError(path=path, text=text)])
