"""Text of strangers on our pages: escaped, spelled out, never interpreted."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from approvals.reading import folds, glyphs
from approvals.reading.shown import Argument

register = template.Library()


@register.filter
def spelled(value: object) -> SafeString:
    """Text with every odd character as its code point and every long gap counted. Nothing in it is markup."""
    pieces = list(glyphs.pieces(str(value)))
    if len(pieces) == 1 and pieces[0].kind == "text":
        return format_html("<bdi>{}</bdi>", pieces[0].text)
    parts = []
    for piece in pieces:
        if piece.kind == "code":
            parts.append(format_html('<span class="codepoint">{}</span>', piece.text))
        elif piece.kind == "gap":
            parts.append(format_html('<span class="gap">{}</span>', piece.text))
        else:
            parts.append(format_html("{}", piece.text))
    return format_html("<bdi>{}</bdi>", format_html_join("", "{}", ((part,) for part in parts)))


@register.simple_tag(takes_context=True)
def proof(context: template.Context, argument: Argument) -> str:
    """The token that comes with an opened value, for the person who looks at it."""
    return folds.proof(context["card"].revision.digest, argument.path, context["request"].user.pk)


@register.filter
def places(number: int, quorum: int) -> list[int]:
    """Places for votes that nobody has filled yet, so that a vote that arrives moves nothing."""
    return list(range(number, quorum))
