"""A system's Markdown or plain text taken apart: paragraphs, formulas, tables; and texts made comparable."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import NamedTuple

TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL | re.IGNORECASE)
FORMULA = re.compile(r"\$\$(.+?)\$\$|\\\[(.+?)\\\]", re.DOTALL)
FENCE = re.compile(r"^(```|~~~)[^\n]*\n(.*?)\n\1[ \t]*$", re.DOTALL | re.MULTILINE)
PIPES = re.compile(r"(?:^[ \t]*\|.*\|[ \t]*(?:\n|$)){2,}", re.MULTILINE)
IMAGE = re.compile(r"!\[((?:[^\]\\]|\\.)*)\]\([^)]*\)|<img\b[^>]*>", re.IGNORECASE)
NO_CAPTION = re.compile(r"\s*(?:image|figure|img|picture|table|formula)?\s*\d*\s*", re.IGNORECASE)
LINK = re.compile(r"(?<!!)\[([^\]\[]*)\]\((?:[^()\s]|\([^()]*\))*\)")
NOTE_MARK = re.compile(r"\[\^[^\]]+\]:?|<sup>.*?</sup>", re.DOTALL)
TAG = re.compile(r"</?(?:div|p|span|b|i|em|strong|br|center|figure|figcaption|a|h[1-6]|u)\b[^>]*>", re.IGNORECASE)
LINE_MARK = re.compile(r"^[ \t]*(?:#{1,6}[ \t]+|>[ \t]?|[-*+•·–◦▪●‣][ \t]+)+")
ITEM = re.compile(r"^[ \t]*(?:[-*+•–][ \t]+|\(?(?:\d{1,2}|[a-z])[.)][ \t]+|（[一二三四五六七八九十\d]+）)")
HEADING = re.compile(r"^[ \t]*#{1,6}[ \t]")
ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+.!|<>~$-])")
EMPHASIS = re.compile(r"(?<![\w*])(\*{1,3}|_{1,3})(?=\S)(.+?)(?<=\S)\1(?![\w*])")
CHINESE_GAP = re.compile(r"(?<=[\u2e80-\u9fff\uf900-\ufaff]) | (?=[\u2e80-\u9fff\uf900-\ufaff])")
SAME = str.maketrans({
    "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "`": "'", "—": "-", "–": "-", "‐": "-", "‑": "-", "−": "-",
    "―": "-", "。": ".", "、": ",", "・": "·", "\u00ad": "", "\u200b": "", "\ufeff": "",
})  # fmt: skip


class Output(NamedTuple):
    """What a system made of a document: text blocks in its order (without marks), formulas as LaTeX, tables as HTML."""

    blocks: tuple[str, ...]
    formulas: tuple[str, ...]
    tables: tuple[str, ...]


def taken_apart(markdown: str) -> Output:
    """The parts of a Markdown text.

    Blocks are divided by blank lines; headings, list items and lines of code blocks are taken as Markdown has them. A
    caption that is a picture's alternative text is a block.
    """
    tables, formulas, codes = [], [], []

    def table(found: re.Match[str]) -> str:
        tables.append(found.group())
        return "\n\n"

    def pipes(found: re.Match[str]) -> str:
        rows = [line.strip().strip("|").split("|") for line in found.group().strip().splitlines()]
        kept = [row for row in rows if not all(re.fullmatch(r"\s*:?-+:?\s*", cell) for cell in row)]
        if len(kept) == len(rows):
            return found.group()
        cells = ("".join(f"<td>{html.escape(cell.strip())}</td>" for cell in row) for row in kept)
        tables.append("<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>")
        return "\n\n"

    def formula(found: re.Match[str]) -> str:
        formulas.append((found.group(1) or found.group(2)).strip())
        return "\n\n"

    def image(found: re.Match[str]) -> str:
        caption = found.group(1) or ""
        return "\n\n" if NO_CAPTION.fullmatch(caption) else f"\n\n{caption}\n\n"

    def code(found: re.Match[str]) -> str:
        codes.append(found.group(2))
        return f"\n\n\x00{len(codes) - 1}\x00\n\n"

    text = FENCE.sub(code, markdown.replace("\r\n", "\n"))
    text = PIPES.sub(pipes, FORMULA.sub(formula, TABLE.sub(table, text)))
    text = NOTE_MARK.sub("", LINK.sub(r"\1", IMAGE.sub(image, text)))
    blocks = []
    for block in re.split(r"\n[ \t]*\n", text):
        if found := re.fullmatch(r"\s*\x00(\d+)\x00\s*", block):
            blocks.append(codes[int(found.group(1))])
        else:
            blocks += [
                ESCAPE.sub(r"\1", EMPHASIS.sub(r"\2", LINE_MARK.sub("", html.unescape(TAG.sub(" ", one)))))
                for one in _items(block)
            ]
    return Output(tuple(one.strip() for one in blocks if one.strip()), tuple(formulas), tuple(tables))


def _items(block: str) -> list[str]:
    """A block's headings and list items by themselves; a paragraph stays whole, with its lines."""
    found: list[str] = []
    for line in block.split("\n"):
        if found and not ITEM.match(line) and not HEADING.match(line) and not HEADING.match(found[-1]):
            found[-1] += "\n" + line
        else:
            found.append(line)
    return found


def comparable(text: str) -> str:
    """The text in one line, as it is compared: NFKC, one kind of quotes and dashes, no blanks beside Chinese.

    Bullets at the beginning of lines are left out. Blanks between other characters count.

    >>> comparable("• 一 二，\\n三  “x”"), comparable("in\\nfor  mation")
    ('一二,三"x"', 'in for mation')
    """
    text = "\n".join(LINE_MARK.sub("", line) for line in text.splitlines())
    text = unicodedata.normalize("NFKC", text.translate(SAME)).translate(SAME)
    text = re.sub(r"\.{3,}|·{3,}", "...", re.sub(r"-{2,}", "-", text))
    text = re.sub(r"\s+", " ", text).strip()
    text = CHINESE_GAP.sub("", text)
    return re.sub(r" (?=[,.;:!?)\]])", "", text)


def bare(text: str) -> str:
    """Comparable, without blanks."""
    return comparable(text).replace(" ", "")
