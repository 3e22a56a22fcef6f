"""write_note: the demo's notebook. It is *neither* keyed nor queryable: every call writes another note."""

from pydantic import BaseModel, Field

from tools.connecting import Call
from tools.connectors.python import tool
from tools.contract import Idempotency, Tier
from tools.models import Note
from traces.canonical import JSON


class NoteText(BaseModel):
    """What is noted, and about what."""

    text: str = Field(title="Note", min_length=1, max_length=5000, description="The text of the note")
    about: str = Field(
        default="", title="About", max_length=200, description="What the note is about, such as an order"
    )


@tool(
    title="Write note",
    tier=Tier.WRITE,
    idempotency=Idempotency.neither(),
    summary="Write an internal note: {text}",
    consent="Approve writing this note",
)
def write_note(arguments: NoteText, call: Call) -> dict[str, JSON]:
    """Write an internal note or memo that colleagues can read. Nothing leaves the company."""
    note = Note.objects.create(organization=call.organization, about=arguments.about, text=arguments.text)
    return {"note": str(note.id)}
