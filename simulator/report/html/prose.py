"""Markdown as HTML that can be trusted: nothing in it is markup, nothing is fetched."""

from __future__ import annotations

import re
from functools import cache

from markdown_it import MarkdownIt

__all__ = ["prose"]


@cache
def _markdown() -> MarkdownIt:
    # No HTML passes through, and pictures would be fetched from elsewhere.
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def prose(text: str, level: int = 4) -> str:
    """Markdown as HTML; markup inside it is shown as text. Its headings are of `level`.

    Links to files of the project become plain text: the page may lie anywhere.

    Examples
    --------
    >>> prose("*a* <b>").strip()
    '<p><em>a</em> &lt;b&gt;</p>'
    """
    html: str = _markdown().render(text)
    html = re.sub(r'<a href="(?!https?:|#)[^"]*">(.*?)</a>', r"\1", html, flags=re.DOTALL)
    html = re.sub(r"<table>.*?</table>", r'<div class="wide">\g<0></div>', html, flags=re.DOTALL)
    return re.sub(r"<(/?)h[1-6]>", rf"<\1h{level}>", html)
