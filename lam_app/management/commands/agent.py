"""``manage.py agent create|list|disable``: agents from outside, registered by whoever runs the installation."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Agent, Organization
from accounts.roles import TierLevel
from accounts.rows import within
from lam_app.management.commands._named import organization_named, person_named
from tools.agents import register, switch_off
from tools.models import AgentTool
from traces.exceptions import DomainError
from traces.services import Actor

BY = Actor.system("command line")


class Command(BaseCommand):
    """Register an outside agent, list an organization's agents, or switch one off."""

    help = "Register an agent from outside, list an organization's agents, or switch one off. Run as the owner."

    def add_arguments(self, parser: CommandParser) -> None:
        """``create``, ``list`` and ``disable``."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        make = verbs.add_parser("create", help="register an agent; `token create --agent` then gives it a token")
        make.add_argument("name")
        make.add_argument("--owner", required=True, metavar="USER", help="the person who answers for it")
        make.add_argument("--tier", default=TierLevel.WRITE.value, choices=TierLevel.values, help="its ceiling (write)")
        make.add_argument("--tool", action="append", default=[], metavar="NAME", help="a tool that it may propose")
        listing = verbs.add_parser("list", help="the organization's agents and their tools")
        end = verbs.add_parser("disable", help="switch an agent off now; its tokens and permits are worth nothing then")
        end.add_argument("name")
        end.add_argument("--reason", required=True)
        for one in (make, listing, end):
            one.add_argument("--organization", required=True, metavar="O")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked for one organization."""
        organization = organization_named(options["organization"])
        verbs = {"create": self._create, "list": self._list, "disable": self._disable}
        try:
            with within(organization.pk):
                verbs[options["verb"]](organization, options)
        except DomainError as refused:
            raise CommandError(refused.message) from None

    def _create(self, organization: Organization, options: dict[str, Any]) -> None:
        owner = person_named(options["owner"], "--owner")
        agent = register(
            organization=organization,
            name=options["name"],
            owner=owner,
            tier=options["tier"],
            tools=options["tool"],
            by=BY,
        )
        self.stdout.write(f"{agent.name} of {organization.slug}: {_told(agent)}")

    def _list(self, organization: Organization, options: dict[str, Any]) -> None:
        for agent in Agent.objects.filter(organization=organization).select_related("owner").order_by("name"):
            self.stdout.write(f"{agent.name}: {_told(agent)}")

    def _disable(self, organization: Organization, options: dict[str, Any]) -> None:
        agent = Agent.objects.filter(organization=organization, name=options["name"]).first()
        if agent is None:
            raise CommandError(f"{organization.slug} has no agent called {options['name']}")
        changed = switch_off(agent, by=BY, reason=options["reason"])
        self.stdout.write(f"{agent.name} is switched off" if changed else f"{agent.name} was switched off before")


def _told(agent: Agent) -> str:
    tools = AgentTool.objects.filter(agent=agent).order_by("tool__name").values_list("tool__name", flat=True)
    standing = "built in" if agent.builtin else "enabled" if agent.enabled else "switched off"
    return f"{standing}, up to {agent.tier}, {agent.owner.username} answers for it; tools: {', '.join(tools) or 'none'}"
