"""Copies of real passages with known changes: the kinds of near-duplicates that the web has, made from the seed.

Every kind is a function (text, language, draw) -> text; the same draw gives the same copy. How similar a copy is, is
never assumed but measured on the two texts.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from functools import lru_cache, partial
from random import Random
from typing import Literal, NamedTuple

from neo_assets_tests.dedup.truth.labels import SEED

Language = Literal["english", "chinese"]
Edit = Callable[[str, Language, Random], str]

SOURCES: dict[Language, tuple[str, ...]] = {
    "english": ("prideprejudice.en.txt", "jargon.en.txt"),
    "chinese": ("sanguo.zh.txt", "nahan.zh.txt"),
}
BOILERPLATE: dict[Language, tuple[str, str]] = {
    "english": (
        "Home | Articles | About us | Sign in\nYou are here: Home > Articles",
        "Share this page. Related articles: see the list on the right.\nAll rights reserved. Terms of use. Privacy.",
    ),
    "chinese": (
        "首页 | 文章 | 关于我们 | 登录\n当前位置：首页 > 文章 > 正文",
        "分享到：微博 微信。相关文章请见右侧列表。\n版权所有，未经授权禁止转载。使用条款 隐私政策",
    ),
}
_TRADITIONAL: dict[int, str] = {
    ord(one): other
    for one, other in zip(
        "这个为来对时说们国会学后过发还没关见问间听书车门马长东开无动头话声难边点电实现经应气万与业乐义书买乱"
        "争云亲从仓众优伤传儿军农决冲净减刘则别劝办务劳势华协单卖卫历压县双变叶号吗启员图圆圣场坏块坚执",
        "這個為來對時說們國會學後過發還沒關見問間聽書車門馬長東開無動頭話聲難邊點電實現經應氣萬與業樂義書買亂"
        "爭雲親從倉眾優傷傳兒軍農決沖淨減劉則別勸辦務勞勢華協單賣衛歷壓縣雙變葉號嗎啟員圖圓聖場壞塊堅執",
        strict=True,
    )
}
_FULL_WIDTH = {point: point + 0xFEE0 for point in range(0x21, 0x7F)}
_HALF_WIDTH = str.maketrans("，。；：？！（）", ",.;:?!()")
_UNIT = {"english": re.compile(r"\S+\s*"), "chinese": re.compile(r"\S\s*")}
_SENTENCE = {"english": re.compile(r"(?<=[.!?;,])\s+"), "chinese": re.compile(r"(?<=[。！？；，])\s*")}


class Copy(NamedTuple):
    """A copy, the number of the passage it was made from, and the kind of change."""

    origin: int
    kind: str
    text: str


def passages(language: Language, n: int, size: int) -> list[str]:
    """The first n passages of at least `size` characters: consecutive paragraphs of the seed, none in two passages."""
    text = "\n".join((SEED / "text" / name).read_text(encoding="utf-8") for name in SOURCES[language])
    found: list[str] = []
    gathered = ""
    for paragraph in text.splitlines():
        line = " ".join(paragraph.split())
        if len(line) > 30:
            gathered += line + "\n"
        if len(gathered) >= size:
            found.append(gathered.strip())
            gathered = ""
        if len(found) == n:
            return found
    raise ValueError(f"the seed has only {len(found)} passages of {size} characters, {n} were wanted")


def one_copy_each(texts: list[str], language: Language, kinds: dict[str, Edit], seed: int) -> list[Copy]:
    """One copy of each text, the kinds taking turns."""
    turns = [list(kinds.items())[i % len(kinds)] for i in range(len(texts))]
    return [
        Copy(i, kind, edit(texts[i], language, Random(f"{seed} {language} {kind} {i}")))
        for i, (kind, edit) in enumerate(turns)
    ]


def copies(texts: list[str], language: Language, kinds: dict[str, Edit], seed: int) -> list[Copy]:
    """One copy of each text and kind; what is random in it depends on nothing but the seed, the kind and the text."""
    return [
        Copy(i, kind, edit(text, language, Random(f"{seed} {language} {kind} {i}")))
        for i, text in enumerate(texts)
        for kind, edit in kinds.items()
    ]


def scattered(share: float, text: str, language: Language, draw: Random) -> str:
    """This share of the words (Chinese: characters), here and there, replaced, deleted or followed by a new one."""
    units = _UNIT[language].findall(text)
    for place in draw.sample(range(len(units)), max(1, round(share * len(units)))):
        units[place] = draw.choice((_replaced, _deleted, _followed))(units[place], language, draw)
    return "".join(units)


def run(share: float, text: str, language: Language, draw: Random) -> str:
    """This share of the words (Chinese: characters), at one place, replaced by new ones."""
    units = _UNIT[language].findall(text)
    size = max(1, round(share * len(units)))
    start = draw.randrange(len(units) - size + 1)
    units[start : start + size] = [_replaced(unit, language, draw) for unit in units[start : start + size]]
    return "".join(units)


def exact(text: str, language: Language, draw: Random) -> str:
    """The text itself."""
    return text


def boilerplate(text: str, language: Language, draw: Random) -> str:
    """The text between a site's head and foot."""
    head, foot = BOILERPLATE[language]
    return f"{head}\n{text}\n{foot}"


def dropped(text: str, language: Language, draw: Random) -> str:
    """A fifth of the sentences left out."""
    parts = _SENTENCE[language].split(text)
    gone = set(draw.sample(range(len(parts)), max(1, len(parts) // 5)))
    return _joint(language).join(part for i, part in enumerate(parts) if i not in gone)


def shuffled(text: str, language: Language, draw: Random) -> str:
    """The sentences in another order."""
    parts = _SENTENCE[language].split(text)
    draw.shuffle(parts)
    return _joint(language).join(parts)


def half(text: str, language: Language, draw: Random) -> str:
    """The first half."""
    return text[: len(text) // 2]


def concatenated(text: str, language: Language, draw: Random) -> str:
    """The text followed by as much that is new (words or characters of the language in random order)."""
    units = len(_UNIT[language].findall(text))
    return text + "\n" + _joint(language).join(draw.choices(_vocabulary(language), k=units))


def script(text: str, language: Language, draw: Random) -> str:
    """Chinese: a hundred common characters in their traditional form; English: capitals."""
    return text.upper() if language == "english" else text.translate(_TRADITIONAL)


def width(text: str, language: Language, draw: Random) -> str:
    """Chinese: punctuation of ASCII and full-width digits and letters; English: everything in full-width forms."""
    return text.translate(_HALF_WIDTH if language == "chinese" else {}).translate(
        {point: wide for point, wide in _FULL_WIDTH.items() if language == "english" or chr(point).isalnum()}
    )


def printed(text: str, language: Language, draw: Random) -> str:
    """The print view: wrapped lines, a page's head every twenty of them."""
    lines = textwrap.wrap(text, 40 if language == "chinese" else 72)
    for number, place in enumerate(range(0, len(lines) + len(lines) // 20, 21)):
        lines.insert(place, f"- {number + 1} -")
    return "\n".join(lines)


def paginated(text: str, language: Language, draw: Random) -> str:
    """The second page of three."""
    return text[len(text) // 3 : 2 * len(text) // 3]


SHARES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.4)
SCATTERED: dict[str, Edit] = {f"scattered {share:.0%}": partial(scattered, share) for share in SHARES}
RUNS: dict[str, Edit] = {f"run {share:.0%}": partial(run, share) for share in SHARES}
WHOLE: dict[str, Edit] = {
    "exact": exact,
    "boilerplate": boilerplate,
    "sentences dropped": dropped,
    "shuffled": shuffled,
    "half": half,
    "concatenated": concatenated,
    "script": script,
    "width": width,
    "printed": printed,
    "paginated": paginated,
}
KINDS: dict[str, Edit] = {**WHOLE, **SCATTERED, **RUNS}


@lru_cache(maxsize=2)
def _vocabulary(language: Language) -> list[str]:
    """Words (Chinese: characters) of the language, each as often as the seed's passages have it."""
    text = "\n".join(passages(language, 100, 400))
    return [unit.strip() for unit in _UNIT[language].findall(text) if unit.strip().isalnum()]


def _joint(language: Language) -> str:
    return " " if language == "english" else ""


def _replaced(unit: str, language: Language, draw: Random) -> str:
    """Another word in place of the unit's, its whitespace kept."""
    return draw.choice(_vocabulary(language)) + unit[len(unit.rstrip()) :]


def _deleted(unit: str, language: Language, draw: Random) -> str:
    return ""


def _followed(unit: str, language: Language, draw: Random) -> str:
    return unit + draw.choice(_vocabulary(language)) + _joint(language)
