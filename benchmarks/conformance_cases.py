"""Small Chinese and mixed documents, each with the verdict a careful reader gives, and why.

`rules` are those of ours that may name the reason of a rejection; another system may have any reason. A `house` case
follows a limit of MAP-Neo's recipe that others need not share, and is not counted against them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.conformance_texts import (
    ENGLISH,
    ESSAY,
    GUIDE,
    JAPANESE,
    KOREAN,
    MENU,
    NEWS,
    POEM,
    TECH,
    TRADITIONAL,
    classical_novel,
    classical_poems,
    laws,
    novel,
)


@dataclass(frozen=True)
class Case:
    """One document and its right verdict."""

    identity: str
    aspect: str
    verdict: Literal["keep", "reject"]
    why: str
    text: str
    rules: frozenset[str] = frozenset()
    language: str | None = None
    house: bool = False


def cases() -> tuple[Case, ...]:
    """All cases, by aspect."""
    return (
        *_ordinary(),
        *_forms_of_writing(),
        *_kinds_of_text(),
        *_languages(),
        *_mixed(),
        *_encoding(),
        *_repetition(),
        *_symbols(),
        *_page_parts(),
        *_bad_words(),
        *_lengths(),
    )


def _keep(identity: str, aspect: str, why: str, text: str, language: str | None = None) -> Case:
    return Case(identity, aspect, "keep", why, text, language=language)


def _reject(
    identity: str, aspect: str, rules: str, why: str, text: str, language: str | None = None, house: bool = False
) -> Case:
    return Case(identity, aspect, "reject", why, text, frozenset(rules.split()), language, house)


def _prose(*parts: Sequence[str]) -> str:
    return "\n".join(paragraph for part in parts for paragraph in part)


def _sentences(*parts: Sequence[str]) -> list[str]:
    return [sentence + "。" for sentence in _prose(*parts).replace("\n", "").split("。") if sentence]


def _ordinary() -> Iterator[Case]:
    aspect = "ordinary prose"
    yield _keep("essay", aspect, "plain modern prose with CJK punctuation", _prose(ESSAY))
    yield _keep("news", aspect, "a news report with quotes, numbers and titles", _prose(NEWS))
    yield _keep("guide", aspect, "instructions with semicolons and colons", _prose(GUIDE))
    yield _keep("one line", aspect, "a page whose paragraphs came out on one line", "".join(ESSAY))
    yield _keep(
        "one line long", aspect, "1,000 characters without a blank or line break", "".join(ESSAY + NEWS + GUIDE)
    )
    yield _keep("sentence a line", aspect, "every sentence on its own line", "\n".join(_sentences(ESSAY, NEWS)))
    yield _keep("blank lines", aspect, "paragraphs between blank lines", "\n\n".join(NEWS))
    yield _keep(
        "indented", aspect, "paragraphs indented by two full-width blanks", "\n".join("　　" + p for p in ESSAY)
    )


def _forms_of_writing() -> Iterator[Case]:
    aspect = "punctuation and width"
    wide = str.maketrans({i: i + 0xFEE0 for i in range(0x21, 0x7F)})
    half = str.maketrans("，。：；！？（）“”", ',.:;!?()""')
    excited = _prose(ESSAY).replace("。", "！", 4).replace("，", "？", 3)
    yield _keep("exclamations", aspect, "sentences end in ！ and ？ too", excited)
    yield _keep("full-width letters", aspect, "Latin letters and digits in full width", _prose(TECH).translate(wide))
    yield _keep("half-width marks", aspect, "ASCII punctuation in Chinese prose", _prose(NEWS).translate(half))
    yield _keep(
        "corner quotes", aspect, "「」 and 『』 as quotation marks", "\n".join(f"他說：「{p}」" for p in TRADITIONAL)
    )
    yield _keep(
        "dashes", aspect, "—— and 、 as frequent marks", _prose(ESSAY).replace("，", "——", 6).replace("和", "、")
    )
    aspect = "script"
    yield _keep("traditional", aspect, "Traditional characters are Chinese", _prose(TRADITIONAL))
    yield _keep("both scripts", aspect, "a Simplified and a Traditional text on one page", _prose(ESSAY, TRADITIONAL))
    yield _keep("decomposed", aspect, "compatibility forms of characters", unicodedata.normalize("NFD", _prose(TECH)))


def _kinds_of_text() -> Iterator[Case]:
    aspect = "kind of text"
    yield _keep("poem", aspect, "a modern poem: short lines, each with a mark", "\n".join(POEM))
    yield _keep("classical poems", aspect, "couplets in Traditional characters", classical_poems(4))
    yield _keep("statute", aspect, "law text: numbered articles of formal language", laws(14))
    yield _keep("statute with items", aspect, "law text with （一）（二）（三） items", laws(24, skip=2_000))
    yield _keep("short story", aspect, "dialogue of a modern story, many short turns", novel(1_500))
    yield _keep("chapter", aspect, "9,000 characters: long texts repeat characters by nature", novel(9_000)[:9_400])
    yield _keep("classical novel", aspect, "prose of the fourteenth century", classical_novel(1_200))
    yield _keep("recipe list", aspect, "an article in which some lines are bullets", _some_bullets())
    yield _keep("questions", aspect, "questions and answers with labels", _questions())
    yield _keep("song", aspect, "a chorus that returns once", "\n".join((*POEM[:8], *ESSAY[:2], *POEM[:4], *ESSAY[2:])))


def _some_bullets() -> str:
    return "\n".join((*GUIDE[:2], *(f"• {line}" for line in _sentences(GUIDE[2:])), *ESSAY[:2]))


def _questions() -> str:
    asked = ("怎样挑选花盆？", "种子要不要泡水？", "多久浇一次水？", "什么时候插竹竿？", "怎样知道可以采摘？")
    return "\n".join(f"问：{question}\n答：{answer}" for question, answer in zip(asked, GUIDE, strict=True))


def _languages() -> Iterator[Case]:
    aspect = "language"
    labels = "language language_label han foreign_letters"
    yield _reject("japanese", aspect, labels, "a Japanese page, half of it Han characters", _prose(JAPANESE))
    yield _reject("korean", aspect, labels, "a Korean page", _prose(KOREAN))
    yield _reject("english", aspect, labels, "an English page", _prose(ENGLISH))
    yield _reject(
        "english labelled zh", aspect, labels, "an English page that its site calls Chinese", _prose(ENGLISH), "zh"
    )
    yield _reject("japanese labelled zh", aspect, labels, "a Japanese page called Chinese", _prose(JAPANESE), "zh")
    few = f"{ENGLISH[0]} 图书馆。\n{ENGLISH[1]} 孩子们在看书。\n{_prose(ENGLISH[2:])}"
    yield _reject("english with some chinese", aspect, labels, "English with a few Chinese words", few, "zh")


def _mixed() -> Iterator[Case]:
    aspect = "mixed with other things"
    code = 'import json\n\nwith open("a.json") as f:\n    data = json.load(f)\nprint(len(data["rows"]))'
    emoji = ("😀", "🌧️", "📚", "👍", "🎉")
    yield _keep("english terms", aspect, "technical prose with English names", _prose(TECH))
    yield _keep("code block", aspect, "prose around a short program", _prose(TECH[:3], [code], TECH[3:], GUIDE))
    yield _keep(
        "emoji", aspect, "an emoji after each paragraph", "\n".join(map("".join, zip(ESSAY, emoji, strict=True)))
    )
    yield _keep(
        "two links",
        aspect,
        "prose with two links",
        _prose(TECH) + "详见 https://docs.example.org/guide?id=3 和 www.example.cn 。",
    )
    yield _keep("node.js", aspect, "names with dots are no links", _prose(TECH).replace("Airflow", "Node.js"))
    yield _keep("figures", aspect, "dates, percentages and sums in a report", _figures())
    yield _keep("formulas", aspect, "a lesson with formulas", _formulas())
    yield _keep(
        "zero-width",
        aspect,
        "zero-width blanks and a byte order mark",
        "\ufeff" + _prose(ESSAY).replace("，", "，\u200b"),
    )
    yield _keep("one hashtag", aspect, "one #topic# in an ordinary post", "#乡村图书馆# " + _prose(ESSAY))
    yield _keep("three ellipses", aspect, "…… now and then", _prose(ESSAY).replace("。", "……", 3))


def _figures() -> str:
    return _prose(
        (
            "2023 年全市粮食总产量 486.2 万吨，比上年增长 3.1%；其中夏粮 201.7 万吨，秋粮 284.5 万吨。",
            "全年居民消费价格上涨 0.8%，食品价格下降 0.3%，房租上涨 1.2%，交通和通信价格下降 2.5%。",
        ),
        NEWS,
    )


def _formulas() -> str:
    return _prose(
        (
            "设直角三角形的两条直角边为 a 和 b，斜边为 c，那么 a² + b² = c²，这就是勾股定理。",
            "例如 a = 3、b = 4 时，c = √(9 + 16) = 5。反过来，如果三边满足这个等式，三角形一定是直角三角形。",
            "证明的方法有很多种，最常见的是把四个全等的三角形拼成一个大正方形，再用两种办法计算它的面积。",
            "中间留下的小正方形边长是 b - a，面积等于 (b - a)²；四个三角形的面积合起来是 2ab，两者相加正好等于 c²。",
        )
    )


def _encoding() -> Iterator[Case]:
    aspect = "mojibake"
    why = "mojibake bad_characters han language language_label mean_word_length digits sentences"
    text = _prose(ESSAY)
    gbk = text.encode("utf-8").decode("gbk", "replace")
    broken = "\n".join(part.encode("utf-8").decode("gbk", "replace") if i % 2 else part for i, part in enumerate(ESSAY))
    holes = "".join("\ufffd" if i % 9 == 4 else character for i, character in enumerate(text))
    yield _reject("utf-8 as gbk", aspect, why, "UTF-8 read as GBK: 鏉戝彛鐨勮€", gbk, "zh")
    yield _reject("utf-8 as gbk, half", aspect, why, "two of five paragraphs read as GBK", broken, "zh")
    yield _reject(
        "utf-8 as latin-1",
        aspect,
        why,
        "UTF-8 read as Latin-1: æ\x9d\x91å",
        text.encode().decode("cp1252", "replace"),
        "zh",
    )
    yield _reject(
        "gbk as latin-1", aspect, why, "GBK read as Latin-1: ´å¿ÚµÄ", text.encode("gbk").decode("latin-1"), "zh"
    )
    yield _reject("锟斤拷", aspect, why, "runs of lost characters read as GBK", _every(text, 24, "锟斤拷锟斤拷"), "zh")
    yield _reject("锟斤拷 alone", aspect, why, "single lost characters read as GBK", _every(text, 30, "锟斤拷"), "zh")
    yield _reject("replacement", aspect, why, "every ninth character is lost (U+FFFD)", holes, "zh")
    mentions = "程序员都见过“锟斤拷”这三个字：它是用错误的编码打开文件留下的痕迹。\n"
    yield _keep("mentions 锟斤拷", aspect, "a text about mojibake is not mojibake", mentions + _prose(TECH, GUIDE))


def _every(text: str, n: int, inserted: str) -> str:
    return inserted.join(text[i : i + n] for i in range(0, len(text), n))


def _repetition() -> Iterator[Case]:
    aspect = "repetition"
    grams = " ".join([*(f"top_{n}gram" for n in (2, 3, 4)), *(f"duplicate_{n}gram" for n in range(5, 11))])
    rules = f"{grams} duplicate_sentences duplicate_sentence_characters unique_characters unigram_entropy"
    one = _sentences(ESSAY)[1]
    ad = "加微信领取优惠，全场五折，机会难得，先到先得。"
    stuffed = "，".join(
        f"北京{district}租房，北京{district}租房网" for district in ("朝阳", "海淀", "东城", "西城", "丰台", "通州")
    )
    menu = "首页\n关于我们\n产品中心\n联系我们\n"
    yield _reject("sentence 200 times", aspect, rules, "one sentence 200 times on one line", one * 200)
    yield _reject("sentence 200 lines", aspect, rules, "one sentence 200 times, a line each", "\n".join([one] * 200))
    yield _reject("paragraphs 5 times", aspect, rules, "the whole page five times over", "\n".join([_prose(ESSAY)] * 5))
    yield _reject("phrase", aspect, rules, "好评 after every few characters", _every(_prose(ESSAY[:2]), 3, "好评好评"))
    yield _reject("advert between", aspect, rules, "the same advert after every sentence", ad.join(_sentences(ESSAY)))
    yield _reject("keywords", aspect, rules, "place names stuffed into one phrase", f"{stuffed}。" * 4)
    yield _reject("laughing", aspect, f"{rules} mean_word_length", "哈哈哈 without end", ("哈" * 60 + "。") * 4)
    yield _reject(
        "one character", aspect, f"{rules} mean_word_length", "one character 400 times", "啊" * 400 + "。啊。", "zh"
    )
    yield _reject(
        "few characters", aspect, f"{rules} mean_word_length", "random draws of nine characters", _few_characters()
    )
    yield _reject(
        "menu repeated", aspect, f"{rules} sentences punctuation", "a menu repeated on every screen", menu * 30
    )
    yield _keep("formulas of law", aspect, "legal wording returns, and is no spam", laws(40, skip=300))


def _few_characters() -> str:
    letters = "我你他她它们的了是"
    drawn = [letters[(i * i * 7 + i * 3 + i // 5) % len(letters)] for i in range(400)]
    return "".join(character + ("。" if i % 25 == 24 else "") for i, character in enumerate(drawn))


def _symbols() -> Iterator[Case]:
    aspect = "symbols and digits"
    spaced = " ".join(_prose(ESSAY, NEWS).replace("\n", ""))
    phones = "\n".join(
        f"联系电话：0{10 + i}-6{i * 7919 % 9_000_000 + 1_000_000}，手机 138{i * 104_729 % 100_000_000:08}。"
        for i in range(30)
    )
    log = "\n".join(
        f"2023-01-{i % 28 + 1:02} 12:{i % 60:02}:{i * 7 % 60:02} 10.0.{i}.{i * 3 % 255} 登录成功。" for i in range(40)
    )
    contents = "\n".join(f"第{i}章 {ESSAY[i % 5][:6]} ............................ {i * 13}" for i in range(1, 40))
    tags = "".join(f"#{ESSAY[i % 5][i : i + 3]}#" for i in range(60)) + "。转发。"
    yield _reject("telephone list", aspect, "digits", "more digits than words", phones)
    yield _reject(
        "log",
        aspect,
        "digits duplicate_5gram duplicate_6gram duplicate_sentences",
        "time stamps and addresses",
        log,
        "zh",
    )
    yield _reject(
        "contents",
        aspect,
        "ellipses digits sentences duplicate_10gram top_4gram",
        "a table of contents with dot leaders",
        contents,
    )
    yield _reject("hashtags", aspect, "hashtags", "a wall of #topics#", tags)
    yield _reject(
        "ellipses ……", aspect, "ellipses", "…… after every few words", _every(_prose(ESSAY).replace("\n", ""), 5, "……")
    )
    yield _reject(
        "ellipses ...",
        aspect,
        "ellipses",
        "... after every few words",
        _every(_prose(ESSAY).replace("\n", ""), 5, "..."),
    )
    yield _reject(
        "ellipses 。。。",
        aspect,
        "ellipses",
        "。。。 after every few words",
        _every(_prose(ESSAY).replace("\n", ""), 5, "。。。"),
    )
    yield _reject(
        "only punctuation",
        aspect,
        "sentences mean_word_length characters language language_label han",
        "nothing but marks",
        "，。！？；：、……——" * 30,
        "zh",
    )
    yield _reject(
        "only emoji",
        aspect,
        "sentences language language_label punctuation han mean_word_length",
        "nothing but emoji",
        "😀😂🎉👍🔥" * 40,
    )
    yield _reject("spaced out", aspect, "mean_word_length", "a blank between all characters, as of a bad scan", spaced)
    yield _reject(
        "all bullets",
        aspect,
        "bullet_lines",
        "every line is a bullet",
        "\n".join(f"• {line}" for line in _sentences(ESSAY, NEWS)),
    )
    yield _reject(
        "all bullets ■",
        aspect,
        "bullet_lines",
        "every line starts with ■",
        "\n".join(f"■ {line}" for line in _sentences(ESSAY, NEWS)),
    )


def _page_parts() -> Iterator[Case]:
    aspect = "navigation and teasers"
    teasers = [line[:18] for line in _sentences(ESSAY, NEWS, GUIDE)]
    brackets = "\n".join(f"【{line[:12]}】{line[12:30]}。" for line in _sentences(ESSAY, NEWS))
    links = "\n".join(f"https://www.example.com/news/2023/{i}.html" for i in range(40))
    menu = "sentences punctuation characters mean_word_length"
    yield _reject("menu in a line", aspect, menu, "navigation between bars", " | ".join(MENU * 2))
    yield _reject("menu in lines", aspect, menu, "navigation, an entry a line", "\n".join(MENU * 2))
    yield _reject("keyword wall", aspect, menu, "words without one mark", _keyword_wall())
    yield _reject(
        "teasers 展开",
        aspect,
        "read_more_lines",
        "every line ends in 展开",
        "\n".join(f"{line}。展开" for line in teasers),
    )
    yield _reject(
        "teasers 更多",
        aspect,
        "read_more_lines ellipses",
        "every line ends in 更多>>",
        "\n".join(f"{line}。更多>>" for line in teasers),
    )
    yield _reject(
        "teasers 阅读全文",
        aspect,
        "read_more_lines ellipses",
        "every line ends in 阅读全文",
        "\n".join(f"{line}。阅读全文" for line in teasers),
    )
    yield _keep(
        "更多 inside",
        aspect,
        "更多 and 展开 within sentences are words",
        _prose(ESSAY).replace("书", "更多书", 3).replace("慢慢", "展开来慢慢"),
    )
    yield _reject("brackets", aspect, "brackets", "half of every line inside 【】", brackets)
    yield _keep("one bracket", aspect, "a headline in 【】", "【本市新闻】" + _prose(NEWS))
    yield _reject(
        "links only", aspect, "empty characters sentences language language_label", "nothing but addresses", links, "zh"
    )
    yield _reject(
        "enable javascript",
        aspect,
        "characters sentences",
        "a notice instead of the page",
        "请启用 JavaScript 后继续浏览本网站。",
    )
    yield _reject(
        "copyright",
        aspect,
        "characters digits sentences",
        "a footer alone",
        "版权所有 © 2023 京ICP备 00000000 号。保留一切权利。",
    )


def _keyword_wall() -> str:
    letters = "".join(character for character in _prose(ESSAY, NEWS) if character.isalpha())
    return " ".join(letters[i : i + 4] for i in range(0, len(letters), 7))


def _bad_words() -> Iterator[Case]:
    aspect = "obscene words"
    innocent = (
        "本月共有三十名完成人员通过了验收，他们负责的设备性能稳定，理性的设计保证了产品的可能性。",
        "食堂提供新鲜的牛奶和乳制品，孩子们每天早上都能喝到一杯。河滩上铺着鹅卵石，踩上去很舒服。",
    )
    swearing = "他妈的，你这个傻逼，滚出去，老子再也不想看见你，操你妈的王八蛋。"
    pornography = "成人视频在线观看，激情性爱，做爱口交，情色电影，淫荡少妇，巨乳美女，免费下载。"
    yield _keep(
        "innocent words", aspect, "成人 in 完成人员, 性 in 性能, 奶 in 牛奶, 卵 in 鹅卵石", _prose(innocent, ESSAY)
    )
    yield _reject(
        "swearing",
        aspect,
        "bad_words",
        "swearing in the middle of an ordinary text",
        _prose(ESSAY[:3], [swearing], ESSAY[3:]),
    )
    yield _reject(
        "pornography", aspect, "bad_words", "an advert for pornography", _prose(ESSAY[:1], [pornography], NEWS[:2])
    )


def _lengths() -> Iterator[Case]:
    aspect = "length"
    whole = f"{novel(12_000)}"
    yield _reject("nothing", aspect, "empty language language_label", "no text at all", "", "zh")
    yield _reject(
        "blank", aspect, "empty language language_label", "only blanks of every kind", " \n\u3000\t\u00a0\n" * 20, "zh"
    )
    yield _reject("very short", aspect, "characters", "one short sentence", "今天天气很好。")
    yield _reject(
        "two short sentences", aspect, "characters", "a title and a date", "关于放假的通知。二〇二三年五月一日。"
    )
    yield _reject("very long", aspect, "characters", "more than 10,000 characters, Matrix's limit", whole, house=True)
