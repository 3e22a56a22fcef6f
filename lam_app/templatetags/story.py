"""Events as sentences: one table of verbs, so that the same thing is told in the same words on every page."""

from dataclasses import dataclass
from typing import Final

from django import template

from lam_app.templatetags.look import ACTION, RUN
from traces.models import Event

register = template.Library()


@dataclass(frozen=True)
class Told:
    """How an event reads on a timeline: a sentence, an icon, and a tone (good, warn, bad, now or none)."""

    says: str
    icon: str = "circle-dot"
    tone: str = ""


VERBS: Final[dict[str, Told]] = {
    "submitted": Told("Goal accepted", "user"),
    "proposed": Told("Proposed", "bot"),
    "approve": Told("Approved by a person", "check", "good"),
    "edited": Told("Edited by a person: judged anew", "pen-line", "warn"),
    "chosen": Told("Another tool chosen by a person: judged anew", "pen-line", "warn"),
    "approved": Told("Approved: leaves when the time to take it back is over", "hourglass"),
    "taken_back": Told("The yes was taken back", "undo-2", "warn"),
    "veto": Told("A person objected", "hand", "bad"),
    "held": Told("Held by a person, back to review", "pause", "warn"),
    "set_aside": Told("Set aside", "archive"),
    "taken_up": Told("Taken up again", "play"),
    "asked": Told("A question was asked", "message-circle-question-mark"),
    "commented": Told("Somebody commented", "message-square"),
    "assigned": Told("Taken by a person", "user-round-check"),
    "taken_over": Told("Taken over by a person", "user-round-check", "warn"),
    "reassigned": Told("Handed to somebody else", "user-round-cog"),
    "released": Told("Let go of", "user-round-minus"),
    "extended": Told("Kept for longer", "timer-reset"),
    "escalated": Told("Escalated to those who administer", "flag", "warn"),
    "time_given": Told("Given more time by a person", "timer-reset", "warn"),
    "asked_team": Told("Nobody took it: more people are asked", "flag", "warn"),
    "was_a_canary": Told("It was a canary", "bird"),
    "canary_planted": Told("A canary was planted", "bird"),
    "canary_defined": Told("A canary was defined", "bird"),
    "canary_retired": Told("A canary was taken out", "bird"),
    "canary_rate_set": Told("How many canaries there are was set", "bird"),
    "desk_full": Told("Waits: people have enough before them", "hourglass", "warn"),
    "memory_full": Told("Waits: as much is remembered today as may be", "hourglass", "warn"),
    "away": Told("Somebody is away for a while", "tree-palm"),
    "back": Told("Somebody is back", "tree-palm"),
    "unroutable": Told("Nobody can decide on it", "users", "warn"),
    "reject": Told("Rejected by a person", "hand", "bad"),
    "happened": Told("Found to have happened", "scan-eye", "good"),
    "did_not_happen": Told("Found not to have happened", "scan-eye", "warn"),
    "probe_asked": Told("A person had the tool asked what became of it", "scan-eye"),
    "probed": Told("The tool was asked again", "scan-eye", "warn"),
    "previewed": Told("The tool said what it would do: judged anew", "scan-eye"),
    "permit_signed": Told("Permit signed", "stamp", "good"),
    "permit_refused": Told("Permit refused, back to review", "ban", "warn"),
    "permit_void": Told("Permit void, back to review", "rotate-ccw", "warn"),
    "claimed": Told("Claimed by an executor", "play", "now"),
    "retried": Told("Tried again under the same key", "rotate-ccw", "warn"),
    "put_off": Told("Waits before another attempt", "hourglass", "warn"),
    "answered": Told("Answered by a person", "message-square"),
    "corrected": Told("The goal was corrected: planned anew", "pen-line", "warn"),
    "cancelled": Told("Cancelled by a person", "ban", "warn"),
    "refused": Told("An attempt was refused", "ban", "bad"),
    "stop_engaged": Told("A stop was engaged", "octagon-minus", "bad"),
    "stop_quiet": Told("The stop is quiet", "check", "good"),
    "stop_eased": Told("People decide again, nothing leaves yet", "user-check", "good"),
    "stop_released": Told("The stop was lifted", "check", "good"),
    "expired": Told("Nobody decided in time", "hourglass", "warn"),
    "withdrawn": Told("Withdrawn", "undo-2"),
    "undo_asked": Told("Somebody asked to take it back", "undo-2", "warn"),
    "undone": Told("Undone: what took it back is in the ledger", "undo-2", "good"),
    "inverse_drill": Told("A drill of what takes it back", "scan-eye"),
    "drill": Told("A drill: no model is asked", "scan-eye"),
    "schedule_made": Told("A goal was scheduled", "calendar-clock"),
    "schedule_paused": Told("A schedule was paused", "pause", "warn"),
    "schedule_resumed": Told("A schedule goes on", "play"),
    "schedule_ended": Told("A schedule was ended", "ban"),
    "schedule_skipped": Told("A schedule’s time was left out", "skip-forward", "warn"),
    "hook_made": Told("A webhook was made", "webhook"),
    "hook_renewed": Told("A webhook got another secret", "key-round", "warn"),
    "hook_ended": Told("A webhook was ended", "ban"),
    "verification_asked": Told("Somebody asked to verify the record", "shield-check"),
    "verified": Told("The record was verified", "shield-check"),
    "export_asked": Told("Somebody asked for an export of the record", "download"),
    "export_made": Told("An export of the record was made", "file-text"),
    "record_exported": Told("The record was taken out as a file", "download", "warn"),
    "evidence_asked": Told("Somebody asked for evidence", "file-archive"),
    "evidence_made": Told("Evidence was put together", "file-archive"),
    "evidence_fetched": Told("Evidence was taken out as a file", "download", "warn"),
    "inquiry_failed": Told("What was asked of the sealer came to nothing", "x", "bad"),
    "traces_searched": Told("Somebody searched the model calls", "search"),
    "trace_read": Told("Somebody read a model call", "scan-eye"),
    "story_read": Told("Somebody read the story of a run", "scan-eye"),
    "runs_compared": Told("Somebody compared two runs", "columns-2"),
    "retention_set": Told("How long details are kept was set", "timer"),
    "retention_forgot": Told("Details went by their age", "eraser"),
    "hold_set": Told("Something is held, whatever its age", "anchor", "warn"),
    "hold_lifted": Told("A hold was lifted", "undo-2"),
    "erasure_asked": Told("Somebody’s erasure was asked for", "eraser", "warn"),
    "erasure_confirmed": Told("An erasure was confirmed by a second person", "user-check", "warn"),
    "erasure_withdrawn": Told("An erasure was withdrawn", "undo-2"),
    "erasure_forgot": Told("An erasure took details and words away", "eraser"),
    "erasure_done": Told("An erasure is done", "check", "good"),
    "erased": Told("The detail of an event was erased", "eraser"),
    "reported": Told("Report written from the ledger", "file-text"),
}
RULED: Final[dict[str, Told]] = {
    "in_review": Told("Held for a person", "pen-line", "now"),
    "denied": Told("Denied by policy", "ban", "bad"),
    "permitted": Told("Allowed by policy", "check", "good"),
    "scheduled": Told("Leaves unless somebody objects", "hourglass"),
}
SILENT: Final = frozenset(
    {
        ("run", "proposed"),
        ("run", "planning"),
        ("execution", "claimed"),
        ("execution", "recorded"),
        ("execution", "undone"),
        ("action", "permitted"),
        ("action", "rejected"),
        ("action", "evidence_fetched"),
        ("run", "evidence_fetched"),
    }
)
"""What another event already says in the same moment, or what is nobody's doing on the matter itself. The audit log
shows every one of them."""
TONES: Final = {
    "done": "good", "succeeded": "good", "failed": "bad", "denied": "bad", "rejected": "bad", "halted": "bad",
    "uncertain": "warn", "expired": "warn", "needs_human": "warn", "needs_input": "warn", "in_review": "now",
    "executing": "now", "claimed": "now",
}  # fmt: skip


@register.simple_tag
def story(event: Event) -> Told | None:
    """How a timeline tells an event, or nothing where another one of the same moment tells it already."""
    return None if (event.subject_kind, event.verb) in SILENT else told(event)


@register.simple_tag
def told(event: Event) -> Told:
    """The sentence of an event: its verb's own where it has one, else the status that was reached."""
    if event.verb == "ruled" and event.target in RULED:
        return RULED[event.target]
    if (event.subject_kind, event.verb) == ("run", "undone"):
        return Told("Everything is taken back", "undo-2", "good")
    if event.verb in VERBS and not (event.verb == "expired" and event.target == "failed"):
        return VERBS[event.verb]
    tone = TONES.get(event.target, "")
    table = RUN if event.subject_kind == "run" else ACTION
    if event.target in table:
        word, shape = table[event.target]
        return Told(word, shape, tone)
    return Told(event.verb.replace("_", " ").capitalize(), tone=tone)


@register.filter
def split_words(words: str) -> list[str]:
    """A comma separated list of words, for a template's loop."""
    return words.split(",")
