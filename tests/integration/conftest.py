"""Models to ask, for every test here."""

from tests.support.model import script, standin, standin_server

__all__ = ["script", "standin", "standin_server"]
