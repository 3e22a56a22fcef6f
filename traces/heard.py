"""Remembered model calls as people are shown them: the prompt put together again, probabilities as percentages."""

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from traces.models import PromptPart, Trace


@dataclass(frozen=True)
class Heard:
    """One model call: what was sent, piece by piece, and what came back."""

    call: Trace
    prompt: list[tuple[str, str]]
    """Role and text of every piece, in the order in which they were sent. Empty where nobody asked for the texts."""

    @property
    def chosen_percent(self) -> int | None:
        """How probable the chosen tool was; None where the server did not say."""
        logprob = self.call.chosen_logprob
        return None if logprob is None else round(100 * math.exp(logprob))

    @property
    def odds(self) -> list[tuple[str, int]]:
        """What the model chose and what it could have chosen, each with its probability in percent; empty where the
        server did not say.
        """
        others = [
            (str(one.get("tool", "")), round(100 * float(one.get("probability") or 0)))
            for one in self.call.alternatives
        ]
        return [(self.call.chosen, self.chosen_percent), *others] if self.chosen_percent is not None else others

    @property
    def sent(self) -> int:
        """Characters of the prompt."""
        return sum(len(text) for _, text in self.prompt)


def heard(organization: uuid.UUID, calls: Sequence[Trace]) -> list[Heard]:
    """These calls with their prompts. One query, however many calls; each text is read once."""
    wanted = {part for call in calls for part in call.parts}
    kept = PromptPart.objects.filter(organization=organization, pk__in=wanted) if wanted else PromptPart.objects.none()
    texts = dict(kept.values_list("pk", "content"))
    return [
        Heard(call, [(role, texts.get(part, "")) for role, part in zip(call.roles, call.parts, strict=False)])
        for call in calls
    ]
