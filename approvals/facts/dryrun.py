"""What the tool says that it would do, as far as it has been asked. Reads only."""

from approvals.policy import DryRun
from tools.contract import Contract


def dry_run_of(contract: Contract | None) -> DryRun:
    """The state before anybody asked."""
    _ = contract
    return DryRun()
