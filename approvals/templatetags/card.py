"""Text of strangers on our pages: escaped, spelled out, never interpreted."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from approvals.reading import glyphs

register = template.Library()


@register.filter
def spelled(value: object) -> SafeString:
    """Text with every odd character as its code point and every long gap counted. Nothing in it is markup."""
    parts = []
    for piece in glyphs.pieces(str(value)):
        if piece.kind == "code":
            parts.append(format_html('<span class="codepoint">{}</span>', piece.text))
        elif piece.kind == "gap":
            parts.append(format_html('<span class="gap">{}</span>', piece.text))
        else:
            parts.append(format_html("{}", piece.text))
    return format_html("<bdi>{}</bdi>", format_html_join("", "{}", ((part,) for part in parts)))
