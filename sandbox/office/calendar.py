"""The calendar, and the candidates whom the shop talks to."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from sandbox.operations import operation
from sandbox.shapes import Email, Line, Shape, conflict
from sandbox.store import Store

EventId = Annotated[str, Field(pattern=r"^E-\d{1,8}$", description="An event's id", examples=["E-401"])]
CandidateId = Annotated[str, Field(pattern=r"^CA-\d{1,6}$", description="A candidate's id", examples=["CA-51"])]
InterviewId = Annotated[str, Field(pattern=r"^IV-\d{1,8}$", description="An interview's id", examples=["IV-501"])]


class Event(Shape):
    """Something in the calendar."""

    event_id: EventId
    title: Line
    start: datetime
    minutes: int
    attendees: list[Email]
    status: Literal["planned", "cancelled"]


class Candidate(Shape):
    """Somebody who applied."""

    candidate_id: CandidateId
    name: Line
    email: Email
    position: Line
    stage: Literal["applied", "interview", "hired", "rejected"]


class Interview(Shape):
    """A talk with a candidate."""

    interview_id: InterviewId
    candidate_id: CandidateId
    start: datetime
    interviewers: list[Email]
    status: Literal["planned", "cancelled"]


class CreateEvent(Shape):
    """What, when, how long, with whom."""

    title: Line
    start: datetime = Field(description="When it begins, with the offset from UTC")
    minutes: int = Field(default=30, ge=5, le=600, description="How long it takes")
    attendees: list[Email] = Field(default=[], max_length=50, description="Who is invited")


class CancelEvent(Shape):
    """Which event."""

    event_id: EventId


class GetCandidate(Shape):
    """Which candidate."""

    candidate_id: CandidateId


class ScheduleInterview(Shape):
    """With whom, when, and who asks."""

    candidate_id: CandidateId
    start: datetime = Field(description="When it begins, with the offset from UTC")
    interviewers: list[Email] = Field(min_length=1, max_length=5, description="Who talks to the candidate")


class CancelInterview(Shape):
    """Which interview."""

    interview_id: InterviewId


@operation(
    "POST",
    "/events",
    tag="calendar",
    status=201,
    example={"title": "Call with Northwind", "start": "2026-12-02T10:00:00+01:00", "attendees": ["priya@shop.example"]},
    undo="cancel_event",
)
def create_event(store: Store, asked: CreateEvent) -> Event:
    """Create an event in the calendar and invite people to it.

    Use it to plan a meeting or a call.
    """
    event_id = f"E-{store.number('event')}"
    return store.put(event_id, Event(event_id=event_id, status="planned", **asked.model_dump()))


@operation("POST", "/events/{event_id}/cancel", tag="calendar", example={"event_id": "E-401"})
def cancel_event(store: Store, asked: CancelEvent) -> Event:
    """Cancel an event in the calendar.

    Use it when a meeting does not take place. Everybody who is invited is told.
    """
    event = store.need(Event, asked.event_id, "event")
    if event.status == "cancelled":
        raise conflict("already_cancelled", f"Event {event.event_id} is cancelled already.")
    return store.put(event.event_id, event.model_copy(update={"status": "cancelled"}))


@operation("GET", "/candidates/{candidate_id}", tag="candidates", example={"candidate_id": "CA-51"})
def get_candidate(store: Store, asked: GetCandidate) -> Candidate:
    """Get a candidate: who applied for what, and how far it is.

    Use it before you invite somebody.
    """
    return store.need(Candidate, asked.candidate_id, "candidate")


@operation(
    "POST",
    "/interviews",
    tag="candidates",
    status=201,
    example={
        "candidate_id": "CA-51",
        "start": "2026-12-04T14:00:00+01:00",
        "interviewers": ["mei@shop.example", "priya@shop.example"],
    },
    undo="cancel_interview",
    touches=("personal_data", "outside_message"),
)
def schedule_interview(store: Store, asked: ScheduleInterview) -> Interview:
    """Schedule an interview with a candidate. The candidate is invited by email.

    Use it when somebody who applied is to be talked to.
    """
    store.need(Candidate, asked.candidate_id, "candidate")
    for one in store.all(Interview):
        if one.status == "planned" and one.start == asked.start and set(one.interviewers) & set(asked.interviewers):
            raise conflict("busy", f"Interview {one.interview_id} has one of them at that time.")
    interview_id = f"IV-{store.number('interview')}"
    return store.put(interview_id, Interview(interview_id=interview_id, status="planned", **asked.model_dump()))


@operation("DELETE", "/interviews/{interview_id}", tag="candidates", example={"interview_id": "IV-501"})
def cancel_interview(store: Store, asked: CancelInterview) -> Interview:
    """Cancel an interview. The candidate is told by email.

    Use it when an interview does not take place.
    """
    interview = store.need(Interview, asked.interview_id, "interview")
    if interview.status == "cancelled":
        raise conflict("already_cancelled", f"Interview {interview.interview_id} is cancelled already.")
    return store.put(interview.interview_id, interview.model_copy(update={"status": "cancelled"}))


def furnish(store: Store) -> None:
    """The calendar and the candidates of the first day."""
    event = Event(
        event_id="E-401",
        title="Stocktaking",
        start=datetime.fromisoformat("2026-12-01T08:00:00+01:00"),
        minutes=120,
        attendees=["jonas@shop.example"],
        status="planned",
    )
    store.put("E-401", event)
    for number, name, stage in (("CA-51", "Noor Aziz", "applied"), ("CA-52", "Victor Lund", "interview")):
        email = f"{name.split()[0].lower()}@applicants.example"
        candidate = {"candidate_id": number, "name": name, "email": email, "position": "Buyer", "stage": stage}
        store.put(number, Candidate.model_validate(candidate))
    interview = Interview(
        interview_id="IV-501",
        candidate_id="CA-52",
        start=datetime.fromisoformat("2026-12-03T11:00:00+01:00"),
        interviewers=["mei@shop.example"],
        status="planned",
    )
    store.put("IV-501", interview)
