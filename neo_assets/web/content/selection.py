"""Which blocks of a page are its main text: not navigation, not boilerplate, not comments, not lists of links."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import accumulate, compress
from operator import and_

from neo_assets.web.content import zones
from neo_assets.web.content.blocks import CODE, HEADING, ITEM, PARAGRAPH, ROW, Block, Page, Zone

LISTS = frozenset({"ul", "ol", "menu", "dir"})
LINKED_SHARE = 0.6
LIST_OWN_PER_LINK = 10
CONTAINER_OWN_PER_LINK = 20
LONGEST_OWN = 40
"""A container with this much text in one block outside links is more than a list of links."""
BLOCK_LINKED_SHARE = 0.8
LONE_LINK_CHARS = 30
SMALL_FORM = 200
FEW_LINKS = 2
SHORT_LINK_CHARS = 30
"""A list of one or two links is a menu only if they are this short; longer ones are references."""
H1_MARK = len("# ")
WHOLE = 0.5
"""A zone that only its class calls boilerplate isn't if it holds more than this share of the page's own text."""
MAIN_SHARE, MAIN_CHARS = 0.4, 500
ARTICLE_SHARE = 0.5
SHORT, SILENT, MANY_TIMES = 100, 20, 5
"""Main text of fewer than `SHORT` characters gives way to one with suspect zones that has so many times more; one of
fewer than `SILENT` besides headings, as where a thread is all there is, to one with comments."""
CONTENT = zones.MAIN | zones.ARTICLE
TEXT_KINDS = (PARAGRAPH, ITEM, ROW, CODE)
CLOSING = re.compile(
    r"版权所有|版權所有|ICP[备備证證]|公网安备|copyright\s*(?:©|\(c\)|\d{4})|©\s*\d{4}|all rights reserved"
    r"|^powered by\b|未经.{0,8}许可不得转载|最佳分辨率|建议使用.{0,12}浏览器",
    re.I,
)
OPENING = re.compile(r"^(?:您|你)?(?:当前|现在|目前|當前)?(?:所在)?的?位置(?:是)?\s*[:：>]|^you are here\b", re.I)
PAGER = re.compile(
    r"^[\W_]*(?:[上下前后後]一?[篇页頁章节節回条條则則][：:\s]|(?:previous|next)(?: \w+)?\s*[:»→])", re.I
)
MAX_CLOSING_CHARS, MAX_CLOSING_BLOCKS = 150, 6


def main_blocks(page: Page) -> tuple[list[Block], str]:
    """The blocks of the main text and what they were taken from.

    `article`: article or main elements; `main`: the page without boilerplate; `body`: suspect zones and comments
    included, as next to nothing is left without them; `all`: everything there is, as nothing else is left.
    Linear in blocks and zones.
    """
    blocks = page.blocks
    if not blocks:
        return [], "main"
    unlisted = _outside(blocks, filter(_is_link_list, page.zones))
    text = [not (block.links and _is_link(block)) for block in blocks]
    base = _both(unlisted, text)
    loose = _both(base, _outside(blocks, (zone for zone in page.zones if zone.flags & zones.BOILERPLATE)))
    talk = _outside(blocks, (zone for zone in page.zones if zone.flags & zones.COMMENTS))
    chosen, extractor = _within(page, _both(loose, _both(talk, _outside(blocks, _suspects(page, base)))))
    for wider, least, kinds in ((_both(loose, talk), SHORT, range(CODE + 1)), (loose, SILENT, TEXT_KINDS)):
        size, more = (_own(blocks, some, kinds) for some in (chosen, wider))
        if size < least and more > MANY_TIMES * size:
            chosen, extractor = wider, "body"
    if not _own(blocks, chosen, TEXT_KINDS):
        lists = _outside(blocks, (zone for zone in page.zones if zone.tag in LISTS and _is_link_list(zone)))
        for wider in (base, _both(lists, text)):
            if not _own(blocks, chosen, TEXT_KINDS) and _own(blocks, wider):
                chosen, extractor = wider, "body"
    if not any(chosen) and sum(block.links for block in blocks) <= FEW_LINKS:
        chosen, extractor = [True] * len(blocks), "all"
    return _trimmed(_with_company(blocks, chosen)), extractor


def _is_link_list(zone: Zone) -> bool:
    """Whether an element is a list of links, or a box with little besides."""
    if not zone.links or zone.longest >= LONGEST_OWN:
        return False
    if zone.linked <= LINKED_SHARE * (zone.linked + zone.own):
        return False
    if zone.tag not in LISTS:
        return zone.links > FEW_LINKS and zone.own <= CONTAINER_OWN_PER_LINK * zone.links
    menu = zone.links > FEW_LINKS or zone.linked < SHORT_LINK_CHARS * zone.links
    return menu and zone.own <= LIST_OWN_PER_LINK * zone.links


def _is_link(block: Block) -> bool:
    """Whether a block that holds links is a paragraph of nothing else, or of hardly anything."""
    if block.kind != PARAGRAPH:
        return False
    if PAGER.search(block.text):
        return len(block.text) <= MAX_CLOSING_CHARS
    share = block.linked >= BLOCK_LINKED_SHARE * (block.linked + block.own)
    return share and (block.links > 1 or block.linked < LONE_LINK_CHARS)


def _suspects(page: Page, base: Sequence[bool]) -> list[Zone]:
    """Zones that only their class or id calls boilerplate, and small forms, unless they hold most of the text.

    The text is that of main and article elements; without them, that of the page without comments.
    """
    suspects = [zone for zone in page.zones if zone.flags & zones.SUSPECT or _is_small_form(zone)]
    if not suspects:
        return []
    inside = [not out for out in _outside(page.blocks, (zone for zone in page.zones if zone.flags & CONTENT))]
    weighed = _both(base, inside)
    if not _own(page.blocks, weighed):
        weighed = _both(base, _outside(page.blocks, (zone for zone in page.zones if zone.flags & zones.COMMENTS)))
    sizes = (block.own if counts else 0 for block, counts in zip(page.blocks, weighed, strict=True))
    before = list(accumulate(sizes, initial=0))
    return [zone for zone in suspects if before[zone.end] - before[zone.start] <= WHOLE * before[-1]]


def _is_small_form(zone: Zone) -> bool:
    return zone.tag == "form" and zone.own < SMALL_FORM


def _within(page: Page, kept: list[bool]) -> tuple[list[bool], str]:
    """The kept blocks of the main element or, within it, of the articles, if they hold enough of the text."""
    extractor = "main"
    for flag, share in ((zones.MAIN, MAIN_SHARE), (zones.ARTICLE, ARTICLE_SHARE)):
        content = [zone for zone in page.zones if zone.flags & flag]
        if content:
            inside = _both(kept, [not out for out in _outside(page.blocks, content)])
            size = _own(page.blocks, inside)
            if size and size >= min(share * _own(page.blocks, kept), MAIN_CHARS if flag == zones.MAIN else size + 1):
                kept, extractor = inside, "article"
    return kept, extractor


def _with_company(blocks: Sequence[Block], chosen: list[bool]) -> list[Block]:
    """The chosen blocks without headings whose text was left out."""
    kept: list[Block] = []
    following: Block | None = None
    for position in range(len(blocks) - 1, -1, -1):
        block = blocks[position]
        if not chosen[position]:
            continue
        deserted = position + 1 < len(blocks) and not chosen[position + 1]
        ends = following is None or (following.kind == HEADING and len(following.mark) <= len(block.mark))
        if block.kind == HEADING and deserted and ends and len(block.mark) > H1_MARK:
            continue
        kept.append(block)
        following = block
    kept.reverse()
    return kept or [block for block, keep in zip(blocks, chosen, strict=True) if keep]


def _trimmed(blocks: list[Block]) -> list[Block]:
    """The blocks without the site's closing lines at the end and the page's place in the site at the beginning."""
    end = len(blocks)
    while end > 1 and len(blocks) - end < MAX_CLOSING_BLOCKS and _is_closing(blocks[end - 1]):
        end -= 1
    start = 1 if end > 1 and blocks[0].kind == PARAGRAPH and OPENING.search(blocks[0].text) else 0
    return blocks[start:end]


def _is_closing(block: Block) -> bool:
    return block.kind in (PARAGRAPH, ROW) and len(block.text) <= MAX_CLOSING_CHARS and bool(CLOSING.search(block.text))


def _outside(blocks: Sequence[Block], ranges: Iterable[Zone]) -> list[bool]:
    """For every block whether it lies in none of the zones."""
    chosen = list(ranges)
    if not chosen:
        return [True] * len(blocks)
    steps = [0] * (len(blocks) + 1)
    for zone in chosen:
        steps[zone.start] += 1
        steps[zone.end] -= 1
    return [depth == 0 for depth in accumulate(steps[:-1])]


def _both(first: Iterable[bool], second: Iterable[bool]) -> list[bool]:
    return list(map(and_, first, second))


def _own(blocks: Sequence[Block], chosen: Iterable[bool], kinds: Collection[int] = range(CODE + 1)) -> int:
    """The characters outside links in the chosen blocks of these kinds."""
    return sum(block.own for block in compress(blocks, chosen) if block.kind in kinds)
