"""The door to the catalogue: a contract becomes a tool of an organization, or the next version. As the owner role."""

import logging
from collections.abc import Collection

from guardian.shortcuts import assign_perm

from accounts.models import Agent, Organization, Team
from tools import registry
from tools.contract import Contract
from tools.exceptions import LookAlike
from tools.models import AgentTool, Tool, ToolVersion
from tools.text import skeleton
from traces.services import Actor, Entry, record

SETUP = Actor.system("setup")
logger = logging.getLogger(__name__)


def offer_installed_tools(organization: Organization, *, leave_out: Collection[str] = ()) -> None:
    """Every installed Python tool in the catalogue, in the loop; a changed contract becomes the next version.

    Tools named in ``leave_out`` are not offered here. A name that an imported tool holds stays that tool's: whichever
    came first is what people have looked at, and neither takes the other's place unasked.
    """
    theirs = set(
        Tool.objects.filter(organization=organization, version__isnull=False)
        .exclude(version__contract__connector="python")
        .values_list("name", flat=True)
    )
    for contract in registry.contracts():
        if contract.name in theirs:
            logger.warning("%s has an imported %s; the installed one is left out", organization.slug, contract.name)
        elif contract.name not in leave_out:
            offer(organization, contract)


def offer(organization: Organization, contract: Contract) -> Tool:
    """Put a tool into an organization's catalogue, or its new version on offer.

    Raises ContractRefused for a contract that does not hold, LookAlike for a name that people may take for another's.

    New tools start in the loop: usable by the organization's operators and its built-in agent, reviewable by its
    reviewers.
    """
    contract.validate()
    for other in (
        Tool.objects.filter(organization=organization).exclude(name=contract.name).values_list("name", flat=True)
    ):
        if skeleton(other) == skeleton(contract.name):
            raise LookAlike(f"{contract.name} may be taken for {other}, which is in the catalogue.", name=other)
    tool, new = Tool.objects.get_or_create(
        organization=organization, name=contract.name, defaults={"tier": contract.tier.value}
    )
    current = tool.version
    if current is None or current.hash != contract.version_hash() or current.contract != contract.to_json():
        number = (current.number if current else 0) + 1
        tool.version = ToolVersion.objects.create(
            organization=organization,
            tool=tool,
            number=number,
            hash=contract.version_hash(),
            contract=contract.to_json(),
        )
        tool.save(update_fields=["version"])
        record(
            Entry(
                organization=organization.id,
                actor=SETUP,
                verb="tool_version",
                subject_kind="tool",
                subject=tool.id,
                detail={"name": tool.name, "number": number, "hash": tool.version.hash},
            )
        )
    if new:
        teams = {t.name: t.group for t in Team.objects.filter(organization=organization).select_related("group")}
        if "operators" in teams:
            assign_perm("use_tool", teams["operators"], tool)
        if "reviewers" in teams:
            assign_perm("review_tool", teams["reviewers"], tool)
            assign_perm("stop_tool", teams["reviewers"], tool)
        agent = Agent.objects.filter(organization=organization, builtin=True).first()
        if agent is not None:
            AgentTool.objects.get_or_create(agent=agent, tool=tool)
    return tool
