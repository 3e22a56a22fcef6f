"""Flights and hotels, by a travel agency that the shop uses."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field

from sandbox.operations import operation
from sandbox.shapes import Line, Money, Refused, Shape, conflict
from sandbox.store import Store

FlightNumber = Annotated[str, Field(pattern=r"^[A-Z]{2}\d{1,4}$", description="A flight's number", examples=["TP533"])]
FlightBookingId = Annotated[str, Field(pattern=r"^FB-\d{1,8}$", description="A flight booking's id")]
HotelBookingId = Annotated[str, Field(pattern=r"^HB-\d{1,8}$", description="A hotel booking's id")]
BookingStatus = Literal["booked", "cancelled"]


class Flight(Shape):
    """A flight that leaves every day."""

    flight_number: FlightNumber
    origin: Line
    destination: Line
    departs: str = Field(description="Local time of departure")
    price: Money
    seats: int = Field(description="Seats on each day")


class FlightBooking(Shape):
    """A seat that is taken."""

    booking_id: FlightBookingId
    flight_number: FlightNumber
    date: date
    passenger_name: Line
    price: Money
    status: BookingStatus


class Hotel(Shape):
    """A hotel with its rooms."""

    hotel: Line
    city: Line
    rooms: int
    price: Money = Field(description="One night")


class HotelBooking(Shape):
    """A room that is taken."""

    booking_id: HotelBookingId
    hotel: Line
    city: Line
    check_in: date
    nights: int
    guest_name: Line
    price: Money
    status: BookingStatus


class SearchFlights(Shape):
    """From where, to where."""

    origin: Line | None = Field(default=None, description="The city of departure")
    destination: Line | None = Field(default=None, description="The city of arrival")


class Flights(Shape):
    """The flights that were found."""

    flights: list[Flight]


class BookFlight(Shape):
    """Which flight, on which day, for whom. Say its number, or the city of arrival for the cheapest one."""

    destination: Line = Field(description="The city of arrival")
    date: date
    passenger_name: Line = Field(description="The traveller's name as in the passport")
    flight_number: FlightNumber | None = Field(default=None, description="A certain flight; else the cheapest")


class CancelFlight(Shape):
    """Which booking."""

    booking_id: FlightBookingId


class BookHotel(Shape):
    """Where, from when, how long, for whom."""

    city: Line
    check_in: date = Field(description="The day of arrival")
    nights: int = Field(ge=1, le=30, description="How many nights")
    guest_name: Line = Field(default="The company", description="The guest's name")


class CancelHotel(Shape):
    """Which booking."""

    booking_id: HotelBookingId


@operation("GET", "/flights", tag="travel", example={"destination": "Lisbon"})
def search_flights(store: Store, asked: SearchFlights) -> Flights:
    """Search flights between two cities. Each leaves every day.

    Use it to learn numbers, times and prices before you book a flight.
    """
    return Flights(flights=[one for one in store.all(Flight) if _between(one, asked.origin, asked.destination)])


@operation(
    "POST",
    "/flight-bookings",
    tag="travel",
    status=201,
    example={"destination": "Lisbon", "date": "2026-12-03", "passenger_name": "Priya Raman"},
    undo="cancel_flight",
    touches=("money",),
)
def book_flight(store: Store, asked: BookFlight) -> FlightBooking:
    """Book a flight for one traveller.

    Use it when somebody has to fly. Can be cancelled without a charge.
    """
    flights = [
        one
        for one in store.all(Flight)
        if _between(one, None, asked.destination) and asked.flight_number in (None, one.flight_number)
    ]
    if not flights:
        which = f"Flight {asked.flight_number}" if asked.flight_number else "No flight"
        raise Refused(
            404,
            "not_found",
            f"{which} does not go to {asked.destination}."
            if asked.flight_number
            else f"{which} goes to {asked.destination}.",
        )
    taken = [(one.flight_number, one.date) for one in store.all(FlightBooking) if one.status == "booked"]
    free = [one for one in flights if taken.count((one.flight_number, asked.date)) < one.seats]
    if not free:
        raise conflict("no_seats", f"No seats to {asked.destination} are left on {asked.date}.")
    flight = min(free, key=lambda one: one.price.value)
    booking_id = f"FB-{store.number('flight')}"
    return store.put(
        booking_id,
        FlightBooking(
            booking_id=booking_id,
            flight_number=flight.flight_number,
            date=asked.date,
            passenger_name=asked.passenger_name,
            price=flight.price,
            status="booked",
        ),
    )


@operation("DELETE", "/flight-bookings/{booking_id}", tag="travel", example={"booking_id": "FB-4001"})
def cancel_flight(store: Store, asked: CancelFlight) -> FlightBooking:
    """Cancel a flight booking.

    Use it when a booked flight is not needed any more. The price is given back.
    """
    booking = store.need(FlightBooking, asked.booking_id, "flight booking")
    if booking.status == "cancelled":
        raise conflict("already_cancelled", f"Flight booking {booking.booking_id} is cancelled already.")
    return store.put(booking.booking_id, booking.model_copy(update={"status": "cancelled"}))


@operation(
    "POST",
    "/hotel-bookings",
    tag="travel",
    status=201,
    example={"city": "Lyon", "check_in": "2026-12-03", "nights": 2, "guest_name": "Priya Raman"},
    undo="cancel_hotel",
    touches=("money",),
)
def book_hotel(store: Store, asked: BookHotel) -> HotelBooking:
    """Book a hotel room for some nights.

    Use it when somebody has to stay in a city. Fails when no rooms are left. Can be cancelled without a charge.
    """
    hotel = next((one for one in store.all(Hotel) if one.city.casefold() == asked.city.casefold()), None)
    if hotel is None:
        raise Refused(404, "not_found", f"There is no hotel in {asked.city} that we know of.")
    for day in range(asked.nights):
        if _asleep(store, hotel, asked.check_in + timedelta(days=day)) >= hotel.rooms:
            raise conflict("no_rooms", f"No rooms in {hotel.city}: {hotel.hotel} is full from {asked.check_in}.")
    booking_id = f"HB-{store.number('hotel')}"
    price = Money(amount=f"{hotel.price.value * asked.nights:.2f}", currency=hotel.price.currency)
    return store.put(
        booking_id,
        HotelBooking(
            booking_id=booking_id,
            hotel=hotel.hotel,
            city=hotel.city,
            check_in=asked.check_in,
            nights=asked.nights,
            guest_name=asked.guest_name,
            price=price,
            status="booked",
        ),
    )


@operation("DELETE", "/hotel-bookings/{booking_id}", tag="travel", example={"booking_id": "HB-4001"})
def cancel_hotel(store: Store, asked: CancelHotel) -> HotelBooking:
    """Cancel a hotel booking.

    Use it when a booked room is not needed any more. The price is given back.
    """
    booking = store.need(HotelBooking, asked.booking_id, "hotel booking")
    if booking.status == "cancelled":
        raise conflict("already_cancelled", f"Hotel booking {booking.booking_id} is cancelled already.")
    return store.put(booking.booking_id, booking.model_copy(update={"status": "cancelled"}))


def _between(flight: Flight, origin: str | None, destination: str | None) -> bool:
    wanted = ((origin, flight.origin), (destination, flight.destination))
    return all(asked is None or asked.casefold() == there.casefold() for asked, there in wanted)


def _asleep(store: Store, hotel: Hotel, night: date) -> int:
    """How many rooms are taken on this night."""
    return sum(
        one.hotel == hotel.hotel
        and one.status == "booked"
        and one.check_in <= night < one.check_in + timedelta(days=one.nights)
        for one in store.all(HotelBooking)
    )


def furnish(store: Store) -> None:
    """The timetable and the hotels of the first day. Lisbon has a flight and no rooms."""

    def euros(amount: str) -> Money:
        return Money(amount=amount, currency="EUR")

    for number, origin, destination, departs, price in (
        ("TP533", "Berlin", "Lisbon", "11:40", "184.00"),
        ("LH1172", "Berlin", "Lisbon", "06:15", "209.50"),
        ("AF1835", "Berlin", "Lyon", "09:05", "142.00"),
        ("BA983", "Berlin", "London", "14:20", "117.30"),
    ):
        flight = Flight(
            flight_number=number,
            origin=origin,
            destination=destination,
            departs=departs,
            price=euros(price),
            seats=6,
        )
        store.put(number, flight)
    for name, city, rooms, night in (
        ("Hotel des Marronniers", "Lyon", 3, "96.00"),
        ("Casa do Rio", "Lisbon", 0, "120.00"),
        ("The Tannery", "London", 5, "155.00"),
    ):
        store.put(name, Hotel(hotel=name, city=city, rooms=rooms, price=euros(night)))
    day, guest = date(2026, 12, 10), "Jonas Berg"
    seat = FlightBooking(
        booking_id="FB-4001",
        flight_number="BA983",
        date=day,
        passenger_name=guest,
        price=euros("117.30"),
        status="booked",
    )
    room = HotelBooking(
        booking_id="HB-4001",
        hotel="The Tannery",
        city="London",
        check_in=day,
        nights=1,
        guest_name=guest,
        price=euros("155.00"),
        status="booked",
    )
    store.put("FB-4001", seat)
    store.put("HB-4001", room)
