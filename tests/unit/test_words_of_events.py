"""What events say on a timeline and in the log: words of their own, with an icon of the installed set."""

from __future__ import annotations

import pytest

from lam_app.templatetags.look import icon
from lam_app.templatetags.story import RULED, VERBS, Told, told
from traces.models import Event

FORGETTING = (
    "retention_set", "retention_forgot", "hold_set", "hold_lifted", "erasure_asked", "erasure_confirmed",
    "erasure_withdrawn", "erasure_forgot", "erasure_done", "erased",
)  # fmt: skip


@pytest.mark.parametrize("verb", FORGETTING)
def test_what_is_kept_and_what_goes_is_told_in_words_without_anybody_s_name(verb: str) -> None:
    event = Event(verb=verb, subject_kind="erasure", actor_name="Quillfeather", reason="Quillfeather asked")
    found = told(event)
    assert found.icon != Told("").icon
    assert found.says != verb.replace("_", " ").capitalize()
    assert "Quillfeather" not in found.says


@pytest.mark.parametrize("shape", sorted({one.icon for one in (*VERBS.values(), *RULED.values())}))
def test_every_icon_of_an_event_is_in_the_installed_set(shape: str) -> None:
    assert "<svg" in icon(shape)
