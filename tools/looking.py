"""Asking a tool beforehand: the door to previews and record lookups, for the executor's role alone. Read-only."""

import logging

from tools import registry
from tools.contract import Contract
from tools.previews import Look, Preview, Told, told
from tools.progress import go_on
from traces.exceptions import DomainError

logger = logging.getLogger(__name__)


def look(contract: Contract, asked: Look) -> Told:
    """What the tool says that this call would do, bounded, as it may be kept. Never raises.

    Call it outside of any transaction: the tool may take as long as its contract's timeout.
    """
    go_on(contract.timeout)
    try:
        return told(registry.connector(contract).preview(contract, asked))
    except DomainError as error:
        return told(Preview.failed(error.message))
    except Exception as error:  # a connector's mistake must not end the role that serves everybody
        logger.exception("a preview stopped", extra={"tool": contract.name})
        return told(Preview.failed(f"Asking stopped with {type(error).__name__}."))
