"""Reading an organization's policy: strict, whole, and with the path of whatever is wrong."""

from collections.abc import Mapping
from typing import Any

from approvals.policy.document import Policy


class PolicyRefused(ValueError):
    """This text is no policy. ``problems`` holds path and message of everything that is wrong with it."""

    def __init__(self, problems: tuple[tuple[str, str], ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{path}: {message}" for path, message in problems))


def read_policy(settings: Mapping[str, Any]) -> Policy:
    """The policy that a version's settings hold. Raises PolicyRefused with every problem and its path."""
    if settings:
        raise PolicyRefused((("", "no such entry is known"),))
    return Policy()
