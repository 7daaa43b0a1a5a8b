"""Blocks of a report as HTML: every text is escaped here, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from simulator.report.html.document import (
    Block,
    Cell,
    Code,
    Facts,
    Figure,
    Folded,
    Heading,
    Notes,
    Prose,
    Table,
    Words,
)
from simulator.report.html.prose import prose
from simulator.report.html.timeline import Timeline
from simulator.report.html.timeline_page import timeline_markup

__all__ = ["blocks_markup", "code_markup", "words_markup"]


def blocks_markup(blocks: Iterable[Block], level: int) -> Iterator[str]:
    """Blocks one after the other; headings inside are of `level`, and those of prose after one a level below."""
    below = level
    for block in blocks:
        match block:
            case Heading(text):
                yield f"<h{level}>{escape(text)}</h{level}>"
                below = level + 1
            case Prose(text):
                yield prose(text, below)
            case Folded():
                yield from _folded(block, below)
            case Facts(pairs):
                items = (f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in pairs)
                yield f"<dl>{''.join(items)}</dl>"
            case Notes(lines, kind):
                if lines:
                    items = (f"<li>{escape(line)}</li>" for line in lines)
                    yield f'<ul class="{escape(kind)}">{"".join(items)}</ul>'
            case Code():
                yield from code_markup(block)
            case Table():
                yield from _table(block)
            case Figure(picture, caption):
                if picture:
                    yield f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>"
            case Timeline():
                yield timeline_markup(block)


def _folded(block: Folded, level: int) -> Iterator[str]:
    yield f"<details><summary>{escape(block.summary)}</summary>"
    yield from blocks_markup(block.blocks, level)
    yield "</details>"


def code_markup(block: Code) -> Iterator[str]:
    """Code in a box that scrolls, also by keyboard."""
    if block.caption:
        yield f"<p class=soft>{escape(block.caption)}</p>"
    label = escape(block.caption or "command")
    yield f'<pre tabindex=0 role=region aria-label="{label}"><code>{escape(block.text)}</code></pre>'


def _table(table: Table) -> Iterator[str]:
    """In a box of its own, which scrolls where the table is wider than the page."""
    label = escape(table.caption or ", ".join(heading for heading in table.headings if heading))
    yield f'<div class=wide tabindex=0 role=region aria-label="{label}"><table>'
    if table.caption:
        yield f"<caption>{escape(table.caption)}</caption>"
    heads = (
        f"<th scope=col{' class=number' if place in table.numbers else ''}>{escape(heading)}</th>"
        for place, heading in enumerate(table.headings)
    )
    yield f"<thead><tr>{''.join(heads)}</tr></thead><tbody>"
    for number, row in enumerate(table.rows):
        kind = f' class="{escape(table.kinds[number])}"' if number in table.kinds else ""
        yield f"<tr{kind}>{''.join(_cell(cell, place in table.numbers) for place, cell in enumerate(row))}</tr>"
    yield "</tbody></table></div>"


def _cell(cell: Cell, number: bool) -> str:
    kinds = ["number"] if number else []
    if isinstance(cell, Words):
        kinds += [cell.kind] if cell.kind and not cell.badge else []
        content = words_markup(cell) if cell.badge or cell.anchor else escape(cell.text)
    else:
        content = escape(cell)
    named = f' class="{escape(" ".join(kinds))}"' if kinds else ""
    return f"<td{named}>{content}</td>"


def words_markup(words: Words) -> str:
    """Words with their badge, as a link where they are one."""
    text = escape(words.text)
    if words.badge:
        text = f'<span class="badge {escape(words.kind)}">{text}</span>'
    return f'<a href="#{escape(words.anchor)}">{text}</a>' if words.anchor else text
