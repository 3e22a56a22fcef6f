"""Customers, contacts, and the shop's own users."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from sandbox.operations import Undo, operation
from sandbox.shapes import Email, Line, Shape, conflict
from sandbox.store import Store

CustomerId = Annotated[str, Field(pattern=r"^C-\d{1,6}$", description="A customer's id", examples=["C-201"])]
UserId = Annotated[str, Field(pattern=r"^U-\d{1,6}$", description="A user's id", examples=["U-11"])]
Phone = Annotated[str, Field(pattern=r"^\+?[\d ()-]{5,30}$", examples=["+49 30 5550123"])]


class Customer(Shape):
    """Somebody who buys here."""

    customer_id: CustomerId
    name: Line
    email: Email
    phone: Phone
    address: Line


class Contact(Shape):
    """How somebody is reached, inside the company or outside."""

    name: Line
    email: Email
    role: Line


class User(Shape):
    """Somebody who may sign in to the shop's systems."""

    user_id: UserId
    email: Email
    name: str
    role: Literal["viewer", "editor", "manager"]


class GetCustomer(Shape):
    """Which customer."""

    customer_id: CustomerId


class UpdateCustomer(Shape):
    """Which customer, and what changes. What is left out stays."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})  # of the body, without the path's id

    customer_id: CustomerId
    email: Email | None = None
    phone: Phone | None = None
    address: Line | None = Field(default=None, description="The whole postal address, on one line")

    @model_validator(mode="after")
    def _something_changes(self) -> UpdateCustomer:
        if len(self.model_fields_set) < 2:
            raise ValueError("Say at least one of email, phone and address")
        return self


class CustomerChanged(Shape):
    """The customer as it is now, and what stood there before."""

    customer_id: CustomerId
    customer: Customer
    previous: dict[str, str] = Field(description="The changed fields as they were: send them again to undo the change")


class FindContact(Shape):
    """Whom to look for."""

    name: Line = Field(description="A name, or a part of it")


class Contacts(Shape):
    """Who was found."""

    contacts: list[Contact]


class CreateUser(Shape):
    """Who may sign in, and what they may do."""

    email: Email
    name: Line | None = Field(default=None, description="The person's name; without it, the address is used")
    role: Literal["viewer", "editor", "manager"] = "viewer"


class DeleteUser(Shape):
    """Which user."""

    user_id: UserId


@operation("GET", "/customers/{customer_id}", tag="customers", example={"customer_id": "C-201"})
def get_customer(store: Store, asked: GetCustomer) -> Customer:
    """Get a customer.

    Use it to learn how a customer is reached and where they live before you write to them or change something.
    """
    return store.need(Customer, asked.customer_id, "customer")


@operation(
    "PATCH",
    "/customers/{customer_id}",
    tag="customers",
    example={"customer_id": "C-202", "phone": "+44 20 5550 177"},
    undo=Undo(operation="update_customer", arguments={"customer_id": "customer_id"}, body="previous"),
    touches=("personal_data",),
)
def update_customer(store: Store, asked: UpdateCustomer) -> CustomerChanged:
    """Update a customer's email address, phone number or postal address.

    Use it when a customer says that one of them has changed. Only the fields that are given change.
    """
    before = store.need(Customer, asked.customer_id, "customer")
    changes = asked.model_dump(include=asked.model_fields_set - {"customer_id"})
    after = store.put(before.customer_id, before.model_copy(update=changes))
    previous = before.model_dump(include=set(changes))
    return CustomerChanged(customer_id=before.customer_id, customer=after, previous=previous)


@operation("GET", "/contacts", tag="contacts", example={"name": "Ines"})
def find_contact(store: Store, asked: FindContact) -> Contacts:
    """Find a contact by name.

    Use it when a goal names a colleague, a supplier or a customer and their email address is needed.
    """
    wanted = asked.name.casefold()
    known = store.all(Contact) + [
        Contact(name=one.name, email=one.email, role="Customer") for one in store.all(Customer)
    ]
    return Contacts(contacts=[one for one in known if wanted in one.name.casefold()])


@operation(
    "POST",
    "/users",
    tag="users",
    status=201,
    example={"email": "bob@example.com", "role": "editor"},
    undo="delete_user",
    touches=("access_rights",),
)
def create_user(store: Store, asked: CreateUser) -> User:
    """Create a user who may sign in to the shop's systems.

    Use it when a colleague joins or needs an account. Give the smallest role that is enough.
    """
    if any(one.email.casefold() == asked.email.casefold() for one in store.all(User)):
        raise conflict("already_there", f"{asked.email} has an account already.")
    user_id = f"U-{store.number('user')}"
    return store.put(user_id, User(user_id=user_id, email=asked.email, name=asked.name or asked.email, role=asked.role))


@operation(
    "DELETE",
    "/users/{user_id}",
    tag="users",
    example={"user_id": "U-12"},
    touches=("access_rights", "deletion"),
)
def delete_user(store: Store, asked: DeleteUser) -> User:
    """Delete a user's account. This cannot be undone.

    Use it when a colleague has left. The answer says who it was.
    """
    user = store.need(User, asked.user_id, "user")
    store.drop(user, user.user_id)
    return user


def furnish(store: Store) -> None:
    """The shop's people on its first day."""
    for customer in (
        ("C-201", "Amara Okafor", "amara.okafor@example.com", "+49 30 5550123", "Lindenstr. 8, 10969 Berlin"),
        ("C-202", "Daniel Whitlock", "d.whitlock@example.com", "+44 20 5550 142", "12 Mill Lane, Leeds LS1 4DY"),
        ("C-203", "Sofia Marchetti", "sofia.m@example.com", "+39 02 5550 981", "Via Savona 3, 20144 Milano"),
        ("C-204", "Tomasz Zielinski", "tomasz.z@example.com", "+48 22 555 01 77", "ul. Polna 21, 00-625 Warszawa"),
        ("C-205", "Leila Haddad", "leila.haddad@example.com", "+33 1 55 50 19 19", "9 rue Oberkampf, 75011 Paris"),
    ):
        found = dict(zip(Customer.model_fields, customer, strict=True))
        store.put(customer[0], Customer.model_validate(found))
    for name, email, role in (
        ("Ines Duarte", "ines@northwind.example", "Supplier, Northwind Kettles"),
        ("Priya Raman", "priya@shop.example", "Head of operations"),
        ("Jonas Berg", "jonas@shop.example", "Warehouse"),
        ("Mei Tanaka", "mei@shop.example", "Recruiting"),
    ):
        store.put(email, Contact(name=name, email=email, role=role))
    store.put("U-11", User(user_id="U-11", email="priya@shop.example", name="Priya Raman", role="manager"))
    store.put("U-12", User(user_id="U-12", email="temp@shop.example", name="Summer help", role="viewer"))
