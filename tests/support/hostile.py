"""Sixty ways in which words try to be more than words, and what a page would hold if one of them had got through.

Whatever a payload would make carries ``zz7``: as an element's name, an id, a class or an attribute. Whatever it would
fetch lies at ``CANARY``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

CANARY: Final = "canary.invalid"

PAYLOADS: Final = (
    # elements with handlers
    f"<img class=zz7 src=x onerror=\"fetch('//{CANARY}/1')\">",
    "<script id=zz7>alert(1)</script>",
    "</script><script id=zz7>alert(2)</script>",
    "<svg/onload=alert(3) class=zz7>",
    '"><svg onload=alert(4) id=zz7>',
    "' autofocus onfocus='alert(5)' zz7='",
    "<details open ontoggle=alert(6) class=zz7>",
    "<body onpageshow=alert(7) zz7>",
    "<input autofocus onfocus=alert(8) class=zz7>",
    "<video><source onerror=alert(9) class=zz7>",
    "<audio src=x onerror=alert(10) class=zz7>",
    "<marquee onstart=alert(11) class=zz7>x</marquee>",
    "<select autofocus onfocus=alert(12) class=zz7>",
    "<div onpointerover=alert(13) class=zz7>hover</div>",
    '<a href="javascript:alert(14)" class=zz7>click</a>',
    '<a href="jav&#x09;ascript:alert(15)" class=zz7>click</a>',
    '<a href="data:text/html,<script>alert(16)</script>" class=zz7>click</a>',
    "<svg><animate onbegin=alert(17) attributeName=x dur=1s class=zz7>",
    "<svg><a xlink:href='javascript:alert(18)'><text class=zz7>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(19) class=zz7>",
    '<noscript><p title="</noscript><img src=x onerror=alert(20) class=zz7>">',
    "<template><script>alert(21)</script></template><zz7>",
    # what loads or leads elsewhere
    f"<iframe class=zz7 srcdoc='<img src=//{CANARY}/b>'></iframe>",
    f"<iframe class=zz7 src=//{CANARY}/f></iframe>",
    f"<object class=zz7 data=//{CANARY}/o></object>",
    f"<embed class=zz7 src=//{CANARY}/e>",
    f"<link rel=stylesheet class=zz7 href=//{CANARY}/c.css>",
    f"<link rel=prefetch class=zz7 href=//{CANARY}/p>",
    f"<link rel=dns-prefetch class=zz7 href=//{CANARY}>",
    f"<style class=zz7>*{{background:url(//{CANARY}/d)}}</style>",
    f"<style class=zz7>@import '//{CANARY}/i.css';</style>",
    f"<p class=zz7 style=\"background:url('//{CANARY}/s')\">x</p>",
    f"<meta class=zz7 http-equiv=refresh content='0;url=//{CANARY}/e'>",
    f"<base class=zz7 href=//{CANARY}/>",
    f"<img class=zz7 srcset='//{CANARY}/r 1x'>",
    f"<picture><source srcset=//{CANARY}/q class=zz7><img></picture>",
    f"<video class=zz7 poster=//{CANARY}/v></video>",
    f"<svg><image class=zz7 href=//{CANARY}/g /></svg>",
    f"<svg><use class=zz7 href=//{CANARY}/u#x /></svg>",
    f"<a class=zz7 ping=//{CANARY}/w href=/>x</a>",
    # our own framework turned against us
    '<div class=zz7 hx-get="/actions/" hx-trigger="load">x</div>',
    '<div class=zz7 hx-post="/stop/" hx-trigger="load" hx-vals=\'{"scope":"organization"}\'>x</div>',
    '<div class=zz7 hx-post="/approvals/9/decide" hx-trigger="load">x</div>',
    "<div class=zz7 data-hx-get='/runs/' data-hx-trigger='load'>x</div>",
    "<div class=zz7 hx-on:click='alert(22)'>x</div>",
    "<div class=zz7 hx-ext=zz7 hx-ws='connect:/zz7'>x</div>",
    "<div class=zz7 id=card hx-swap-oob=true>all is well</div>",
    "<form id=zz7 action=/stop/ method=post></form><button form=zz7>Approve</button>",
    "<button class=zz7 data-key=approve formaction=/stop/>Approve</button>",
    "<input class=zz7 name=csrfmiddlewaretoken value=x form=approve-form>",
    # words that pose as the page
    "</textarea></blockquote></details></article><h1 class=zz7>Approved by security</h1>",
    "]]></title></style></noscript></template><h1 class=zz7>Approved</h1>",
    f"![Approved](https://{CANARY}/a.png) [click](javascript:alert(23))",
    f"[![ok](//{CANARY}/m)](//{CANARY}/n) <https://{CANARY}/zz7>",
    "| Approved by | security |\n|---|---|\n| Vote 2 of 2 | done |",
    "<!-- --!><img src=y class=zz7 onerror=alert(24)>",
    "<!--[if gte IE 4]><script>alert(25)</script><![endif]--><zz7>",
    # languages that a careless page would run
    "{{ 7|add:7 }} {% now 'Y' %} ${7*7} #{7*7} <%= 7*7 %>",
    "javascript:alert(26)//zz7",
    "%3Cimg%20class=zz7%20src=x%20onerror=alert(27)%3E",
    "\\u003cimg class=zz7 src=x onerror=alert(28)\\u003e",
    "&lt;img class=zz7 src=x onerror=alert(29)&gt;",
    # what cannot be seen
    "right\u202eleft zero\u200bwidth tag\U000e0041 \u2066isolate\u2069",
    "bell\u0007 esc\u001b[31mred\u001b]0;zz7\u0007 csi\u009b31m",
    '=HYPERLINK("http://canary.invalid/x","zz7")',
)

AUDIT: Final = """
() => {
  const found = [];
  const own = (value) => {
    try { return new URL(value, location.href).origin === location.origin } catch { return false }
  };
  const urls = new Set(['href', 'src', 'action', 'formaction', 'data', 'poster', 'background', 'cite', 'ping',
    'xlink:href', 'hx-get', 'data-hx-get', 'manifest']);
  const never = new Set(['iframe', 'frame', 'object', 'embed', 'base', 'img', 'picture', 'source', 'video', 'audio',
    'marquee', 'math', 'animate', 'image', 'noembed', 'portal', 'applet', 'plaintext', 'xmp', 'zz7', 'mglyph']);
  for (const one of document.querySelectorAll('*')) {
    const name = one.localName.toLowerCase();
    if (never.has(name)) found.push(`element ${name}`);
    if (name === 'style' && one.closest('head') === null) found.push('a style sheet in the page');
    if (name === 'script' && (!one.src || one.closest('body'))) found.push('a script in the page');
    if (name === 'meta' && one.httpEquiv) found.push(`meta ${one.httpEquiv}`);
    for (const { name: key, value } of one.attributes) {
      const acts = /^on/.test(key) || /^(data-)?hx-(on|post|put|patch|delete|ws|sse|ext)/.test(key);
      if (acts || ['style', 'srcset', 'srcdoc'].includes(key)) found.push(`${name}[${key}]`);
      if (urls.has(key) && !own(value)) found.push(`${name}[${key}=${value}]`);
      const named = /^(id|class|name|form)$/.test(key) && /(^|\\s)zz7/.test(value);
      if (/zz7/.test(key) || named) found.push(`${name}[${key}=${value}]`);
    }
  }
  const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
  for (const id of new Set(ids)) if (ids.filter((one) => one === id).length > 1) found.push(`two elements are #${id}`);
  for (const head of document.querySelectorAll('h1, h2'))
    if (/^Approved/.test(head.textContent)) found.push('a heading that poses');
  return found;
}
"""
"""What a page holds that none of ours has; empty while words are words."""


def in_parts(limit: int) -> Iterator[str]:
    """All payloads in texts of at most ``limit`` characters, none of them cut."""
    part = ""
    for payload in PAYLOADS:
        joined = f"{part} {payload}".strip()
        if part and len(joined) > limit:
            yield part
            joined = payload
        part = joined
    yield part
