"""``manage.py tools set``: the dial from the shell, by the same verbs and rules as the pages."""

import argparse
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.models import Organization, User
from accounts.roles import TierLevel
from lam_app.management.commands._named import person_named
from tools.changes import DialProposal
from tools.dial import set_dial, set_up
from tools.freedom import differences
from tools.freedom import of as settings_of
from tools.kinds import Category, Maturity
from tools.models import Tool
from traces.exceptions import DomainError

YES_OR_NO = {"yes": True, "no": False}
OPTIONS = {
    "tier": "tier",
    "maturity": "maturity",
    "veto": "veto_seconds",
    "enabled": "enabled",
    "forbidden": "forbidden",
    "recommend_only": "recommend_only",
}
"""Option to setting."""


def add_arguments(change: CommandParser) -> None:
    """What can be set."""
    change.add_argument("name")
    change.add_argument("--tier", choices=TierLevel.values)
    change.add_argument("--maturity", choices=[str(one) for one in Maturity])
    change.add_argument("--veto", type=seconds, metavar="SECONDS", help="the veto window of a tool on the loop")
    change.add_argument("--owner", metavar="USER", help="who answers for it")
    for name, says in (
        ("enabled", "whether agents may use it at all"),
        ("forbidden", "refused whoever asks"),
        ("recommend-only", "ruled and shown, never permitted"),
    ):
        change.add_argument(f"--{name}", choices=YES_OR_NO, help=says)
    categories = [str(one) for one in Category]
    change.add_argument("--lift", choices=categories, help="a category that no longer holds it in the loop, by reason")
    change.add_argument("--limit", metavar="AMOUNT", help="up to which amount --lift holds; needed for money")
    change.add_argument("--unlift", choices=categories, help="a category that holds it in the loop again")
    change.add_argument("--as", dest="by", metavar="USER", help="who does this; two people make a risky tool freer")
    change.add_argument("--reason", default="", help="needed where the tool becomes freer")


def seconds(text: str) -> int:
    """A number of seconds, a year at the most. Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdigit()) or int(text[:9]) > 365 * 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return int(text)


def perform(organization: Organization, options: dict[str, Any]) -> str:
    """Do it; what to say of it. Raises CommandError."""
    tool = Tool.objects.filter(organization=organization, name=options["name"]).first()
    if tool is None:
        raise CommandError(f"{organization.slug} has no tool called {options['name']}")
    changes = _wanted(tool, options)
    before = settings_of(tool)
    after = {**before, **changes}
    if after["maturity"] == Maturity.ON_THE_LOOP and after["veto_seconds"] == 0 and options["veto"] is None:
        raise CommandError("--veto: say how many seconds people have to object")
    try:
        if options["by"]:
            made = set_dial(tool, changes, by=person_named(options["by"]), reason=options["reason"])
        else:
            made = set_up(tool, changes, reason=options["reason"])
    except DomainError as refused:
        raise CommandError(f"--{refused.message}" if "field" in refused.extra else refused.message) from None
    if made is None:
        return f"{tool.name} is set so already"
    said = ", ".join(f"{name} {_shown(old)} → {_shown(new)}" for name, (old, new) in _told(made).items())
    waits = "; waits for a second person" if isinstance(made, DialProposal) else ""
    return f"{tool.name}: {said}{waits}"


def _wanted(tool: Tool, options: dict[str, Any]) -> dict[str, Any]:
    """The settings that were asked for."""
    found = {
        setting: YES_OR_NO.get(value, value) if isinstance(value, str) else value
        for option, setting in OPTIONS.items()
        if (value := options[option]) is not None
    }
    if options["owner"]:
        found["owner"] = str(person_named(options["owner"]).pk)
    if options["lift"] or options["unlift"]:
        lifted = {name: entry for name, entry in tool.lifted.items() if name != options["unlift"]}
        if options["lift"]:
            lifted[options["lift"]] = {"reason": options["reason"].strip(), "limit": options["limit"]}
        found["lifted"] = lifted
    return found


def _told(made: Any) -> dict[str, tuple[Any, Any]]:
    return differences(made.before, made.after)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return " and ".join(sorted(value)) or "nothing"
    if isinstance(value, str) and len(value) == 36:  # an owner's id
        return User.objects.filter(pk=value).values_list("username", flat=True).first() or "somebody"
    return "nobody" if value is None else str(value)
