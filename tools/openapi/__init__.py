"""OpenAPI documents in, tool contracts out. Pure: nothing is fetched, and nothing in a document is believed that would
make a tool freer than its administrator knows."""

from tools.openapi.document import Document, DocumentRefused, read
from tools.openapi.importing import Imported, Skipped, Trust, imported

__all__ = ["Document", "DocumentRefused", "Imported", "Skipped", "Trust", "imported", "read"]
