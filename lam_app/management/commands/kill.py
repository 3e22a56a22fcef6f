"""``manage.py kill engage|ease|release|list|drill``: the stop, for when there is no browser. It needs no Redis."""

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actors import person
from accounts.models import Agent, Membership, Organization
from lam_app.management.commands._named import organization_named, person_named
from tools.drill import drill
from tools.killswitch import ease, engage, release, stop_everything
from tools.listing import stop_says
from tools.models import KillSwitch, Tool
from traces.exceptions import DomainError

SCOPES = [scope.value for scope in KillSwitch.Scope]


class Command(BaseCommand):
    """Engage, lift, list, drill."""

    help = "Stop everything, an organization, a tool, an agent, a person's runs, or one run; and lift that again."

    def add_arguments(self, parser: CommandParser) -> None:
        """Five verbs. A stop is lifted by somebody else than who engaged it, in two stages."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        begin = verbs.add_parser("engage", help="stop; it is armed when the command returns")
        begin.add_argument("--scope", required=True, choices=SCOPES)
        begin.add_argument("--target", default="", help="the tool's, agent's or person's name, or the run's id")
        begin.add_argument("--organization", default="", help="its slug; not with --scope everything")
        begin.add_argument("--reason", required=True)
        begin.add_argument("--as", dest="user", required=True, help="who answers for it")
        for verb, said in (("ease", "first stage: people decide again, nothing leaves"), ("release", "let go")):
            stage = verbs.add_parser(verb, help=said)
            stage.add_argument("stop", help="the id of the stop, as `kill list` prints it")
            stage.add_argument("--reason", required=True)
            stage.add_argument("--as", dest="user", required=True, help="not the person who engaged it")
        verbs.add_parser("list", help="the stops in force, newest first")
        test = verbs.add_parser("drill", help="measure how long a stop would take, without stopping anything")
        test.add_argument("--organization", required=True)
        test.add_argument("--as", dest="user", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """One of the five."""
        try:
            getattr(self, f"_{options['verb']}")(options)
        except DomainError as refused:
            raise CommandError(refused.message) from None

    def _engage(self, options: dict[str, Any]) -> None:
        actor = person_named(options["user"])
        if options["scope"] == KillSwitch.Scope.EVERYTHING:
            switch = stop_everything(by=person(actor), answerable=actor, reason=options["reason"])
        else:
            organization = organization_named(options["organization"])
            target = _target(organization, options["scope"], options["target"])
            switch = engage(
                actor=actor,
                organization=organization.pk,
                scope=options["scope"],
                target=target,
                reason=options["reason"],
            )
        self.stdout.write(f"{stop_says(switch)}: armed at {switch.armed_at.isoformat()}")
        self.stdout.write(str(switch.pk))

    def _ease(self, options: dict[str, Any]) -> None:
        switch = _stop(options["stop"])
        ease(
            actor=person_named(options["user"]),
            organization=switch.organization_id,
            switch_id=switch.pk,
            reason=options["reason"],
        )
        self.stdout.write("People decide again. Nothing leaves until it is released.")

    def _release(self, options: dict[str, Any]) -> None:
        switch = _stop(options["stop"])
        release(
            actor=person_named(options["user"]),
            organization=switch.organization_id,
            switch_id=switch.pk,
            reason=options["reason"],
        )
        self.stdout.write("Released. Permits from before the stop stay void.")

    def _list(self, _options: dict[str, Any]) -> None:
        for switch in KillSwitch.objects.filter(released_at=None).select_related("engaged_by").order_by("-epoch"):
            stage = "people decide again" if switch.eased_at else "quiet" if switch.quiet_at else "armed"
            self.stdout.write(f"{switch.pk}  {stop_says(switch)}  ({stage}; {switch.engaged_by.username})")

    def _drill(self, options: dict[str, Any]) -> None:
        found = drill(actor=person_named(options["user"]), organization=organization_named(options["organization"]).pk)
        quiet = "not quiet within a minute" if found.quiet_ms is None else f"quiet after {found.quiet_ms} ms"
        self.stdout.write(f"armed after {found.armed_ms} ms with {found.in_flight} in flight; {quiet}")


def _target(organization: Organization, scope: str, name: str) -> uuid.UUID | None:
    """The id of what is named. An unknown name is refused here; whose it is, the verb and the database ask again."""
    found: uuid.UUID | None = None
    if scope == KillSwitch.Scope.ORGANIZATION:
        return organization.pk
    if scope == KillSwitch.Scope.TOOL:
        found = Tool.objects.filter(organization=organization, name=name).values_list("pk", flat=True).first()
    elif scope == KillSwitch.Scope.AGENT:
        found = Agent.objects.filter(organization=organization, name=name).values_list("pk", flat=True).first()
    elif scope == KillSwitch.Scope.INITIATOR:
        members = Membership.objects.filter(organization=organization, user__username=name)
        found = members.values_list("user_id", flat=True).first()
    else:
        try:
            found = uuid.UUID(name)
        except ValueError:
            found = None
    if found is None:
        raise CommandError(f"--target: {organization.slug} has no {scope} called {name!r}")
    return found


def _stop(text: str) -> KillSwitch:
    try:
        found = KillSwitch.objects.filter(pk=uuid.UUID(text)).first()
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"There is no stop {text!r}; `manage.py kill list` prints those in force.")
    return found
