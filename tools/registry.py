"""The only door to connectors and catalogue tools."""

import functools
import importlib
import pkgutil
from typing import ClassVar

from django.conf import settings

from tools.connecting import Connector
from tools.connectors import http, python
from tools.contract import Contract
from traces.exceptions import DomainError

_CONNECTORS: dict[str, Connector] = {"python": python.PythonConnector(), "http": http.HttpConnector()}


class UnknownConnector(DomainError):
    """This tool's connector is not installed."""

    http_status: ClassVar[int] = 422
    code: ClassVar[str] = "contract_invalid"


@functools.cache
def _load() -> None:
    """Import every module of ``tools.catalogue`` and of LAM_TOOLS, each of which registers its own tools."""
    from tools import catalogue

    for module in pkgutil.iter_modules(catalogue.__path__):
        importlib.import_module(f"{catalogue.__name__}.{module.name}")
    for name in settings.LAM_TOOLS:
        importlib.import_module(name)


def contracts() -> list[Contract]:
    """The contracts of all installed Python tools, by name."""
    _load()
    return [python.TOOLS[name].contract for name in sorted(python.TOOLS)]


def connector(contract: Contract) -> Connector:
    """What reaches this tool. Raises UnknownConnector."""
    _load()
    try:
        return _CONNECTORS[contract.connector]
    except KeyError:
        raise UnknownConnector(f"{contract.name}: there is no connector called {contract.connector}.") from None
