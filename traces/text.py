"""Text that came from outside, as the database can keep it. Pure."""

import re

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """The text, a replacement character for each NUL and each half of a surrogate pair: PostgreSQL keeps neither."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
