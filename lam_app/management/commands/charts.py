"""``manage.py charts``: the state charts of the README, made from the data that the product and its triggers obey.

The charts stand between two marks in README.md. ``--check`` changes nothing and fails when they tell another story
than the data; a test does the same, so a new edge and its chart arrive together.
"""

from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from approvals.states import ACTION
from lam_app.states import RUN
from tools.states import EXECUTION
from traces.states import Machine

BEGIN: Final = "<!-- charts: made by manage.py charts, do not edit by hand -->"
END: Final = "<!-- charts: end -->"
MACHINES: Final = (RUN, ACTION, EXECUTION)


def charts(machines: Sequence[Machine] = MACHINES) -> str:
    """Every machine as a headline and a Mermaid diagram, in the order given."""
    return "\n\n".join(
        f"**{machine.name.capitalize()}**\n\n```mermaid\n{machine.mermaid()}\n```" for machine in machines
    )


def renewed(text: str) -> str:
    """The text with its charts replaced by those of the data. Raises LookupError unless it has both marks, once."""
    before, begin, rest = text.partition(BEGIN)
    old, end, after = rest.partition(END)
    if not begin or not end or BEGIN in old + after or END in before + after:
        raise LookupError(f"the text needs {BEGIN!r} and then {END!r}, each once")
    return f"{before}{BEGIN}\n\n{charts()}\n\n{END}{after}"


class Command(BaseCommand):
    """Bring README.md's charts up to date."""

    help = "Write the state charts into README.md. --check only compares; --print only prints them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """One of two ways not to write."""
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument("--check", action="store_true", help="exit 1 when README.md differs from the data")
        instead.add_argument("--print", action="store_true", help="print the charts")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print, compare or write. Raises CommandError when README.md differs or has no place for charts."""
        if options["print"]:
            self.stdout.write(charts())
            return
        readme = settings.BASE_DIR / "README.md"
        try:
            text = readme.read_text(encoding="utf-8")
            new = renewed(text)
        except (FileNotFoundError, LookupError) as error:
            raise CommandError(f"README.md: {error}") from None
        if options["check"]:
            if new != text:
                raise CommandError("README.md: the charts differ from the data; run manage.py charts")
        elif new != text:
            readme.write_text(new, encoding="utf-8")
            self.stdout.write("README.md: charts renewed")
        else:
            self.stdout.write("README.md: charts are up to date")
