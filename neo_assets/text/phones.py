"""Telephone numbers: international, Chinese, North American, and European ones after a word that announces them.

What looks like one is validated by libphonenumber (the `phonenumbers` package) for its country. A number after a word
such as 订单号 or ISBN is none; one without punctuation of its own needs a word such as 电话 or Tel before it, unless
it is a Chinese mobile number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from neo_assets.text.pii_scan import LEAST_DIGITS

_CUE = re.compile(
    r"(?:电话|電話|手机|手機|传真|傳真|热线|熱線|座机|座機|总机|联系方式|联系人|致电|拨打|微信|客服|联系我"
    r"|(?<![a-z])(?:tel|telephone|phone|phones|telefon|fon|t[ée]l[ée]phone|t[ée]l|mobile|mob|cell|fax|call|whatsapp|sms"
    r"|hotline|text me))(?![a-z])[^0-9\n<>]{0,15}$", re.IGNORECASE
)  # fmt: skip
_CHINESE_CUE = re.compile(r"(?:电话|電話|传真|傳真|热线|熱線|座机|座機|总机|致电|拨打)[^0-9\n<>]{0,6}$")
_ANTI_CUE = re.compile(
    r"(?:订单|訂單|单号|單號|编号|編號|流水|运单|账号|帐号|賬號|卡号|工号|学号|证号|批号|型号|序列|文号|案号|货号|期|QQ|群"
    r"|(?<![a-z])(?:isbn|issn|doi|id|ids|uid|no|nr|order|invoice|serial|sku|ref|part|model|ticket|account|acct|tracking"
    r"|lot|pmid|version|case|patent|item|size|seed|timestamp|issue|bug|pr))"
    r"(?: ?(?:号|號|码|碼|number|nos?))?[^0-9\n]{0,4}$|#$",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"\s?(?:元|美元|人民币|亿|万|人|次|票|股|吨|米|字节|bytes?|bits?|dollars?|usd|people|years?|%)", re.IGNORECASE
)
_CURRENCY = re.compile(r"[$¥￥€£]\s?$")
_CONTEXT_CHARS = 32

_CHINA = r"(?:(?:\(\+?86\)|\+?86)[ -]?)?"
_START, _STOP = r"(?<![\w+=&%])(?<!\d[./:-])(?<![A-Za-z]/)", r"(?![\w@]|[.:/-]\d)"
_LOCAL = r"[2-8]\d{2,3}[ -]?\d{4}"
_INTERNATIONAL = re.compile(r"(?<![\w+])\+ ?[1-9](?:[ \-.()/]{0,2}\d){6,17}(?!\d)", re.ASCII)
_MOBILE = re.compile(rf"{_START}{_CHINA}1[3-9]\d(?:([ -])\d{{4}}\1\d{{4}}|\d{{8}}){_STOP}", re.ASCII)
_LANDLINE = re.compile(
    rf"{_START}(?:{_CHINA}\(0\d{{2,3}}\)[ -]?|{_CHINA}0\d{{2,3}}[ -]{{1,2}}"
    rf"|(?:00)?86[ -]{{1,2}}[1-9]\d{{1,2}}[ -]{{1,2}})"
    rf"{_LOCAL}(?:(?:-| ?(?:转|轉|ext\.?|x) ?)\d{{1,5}})?{_STOP}", re.ASCII
)  # fmt: skip
_SERVICE = re.compile(rf"{_START}[48]00(?:([ -])\d{{3}}\1?\d{{4}}|([ -])\d{{4}}\2\d{{3}}){_STOP}", re.ASCII)
_AMERICAN = re.compile(
    rf"{_START}(?:\+?1[ .-])?(?:\([2-9]\d{{2}}\) ?[2-9]\d{{2}}[ .-]|[2-9]\d{{2}}([.-])[2-9]\d{{2}}\1)\d{{4}}"
    rf"(?: ?(?:x|ext\.?) ?\d{{1,5}})?{_STOP}", re.ASCII
)  # fmt: skip
_AFTER_CUE = re.compile(r"(?<![\w+.])(?:\(\d{2,5}\)|\d)(?:[ \-.()/]{0,2}\d){6,13}(?!\w|\.\d)", re.ASCII)
_DATE = re.compile(r"(?:1[89]|20)\d{2}[-./ ]\d{1,2}[-./ ]\d{1,2}")
_EXTENSION = re.compile(r"(?:-| ?(?:转|轉|x|ext\.?) ?)\d{1,5}$")


def phones(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every telephone number; spans may overlap. Full-width forms have been made ASCII."""
    for match in _INTERNATIONAL.finditer(text):
        if end := _valid_prefix(text, match.start(), match.end()):
            yield match.start(), end
    for pattern, region in ((_MOBILE, "CN"), (_LANDLINE, "CN"), (_SERVICE, "CN"), (_AMERICAN, "US")):
        for match in pattern.finditer(text):
            if _announced(text, match.span()) is not False and _is_valid(match[0], region):
                yield match.span()
    for match in _AFTER_CUE.finditer(text):
        if _announced(text, match.span()) and _is_national(text, match.span()):
            yield match.span()


def _announced(text: str, span: tuple[int, int]) -> bool | None:
    """Whether the words before say that a telephone number follows (True), or another number (False)."""
    start, end = span
    before = text[max(0, start - _CONTEXT_CHARS) : start]
    if _CUE.search(before):
        return True
    if (
        _ANTI_CUE.search(before)
        or _CURRENCY.search(before)
        or _UNIT.match(text, end)
        or text[start:end].endswith("000000")
    ):
        return False
    return None


def _is_national(text: str, span: tuple[int, int]) -> bool:
    """Whether a number that was announced is one: a local Chinese number, or one of a country's own way of writing."""
    written = text[slice(*span)]
    digits = re.sub(r"\D", "", written)
    if _DATE.match(written):
        return False
    if digits[0] in "2345678" and len(digits) in (LEAST_DIGITS, LEAST_DIGITS + 1):
        return bool(_CHINESE_CUE.search(text[max(0, span[0] - _CONTEXT_CHARS) : span[0]]))
    regions = ("CN", "GB", "FR", "DE", "IT") if digits[0] == "0" else ("US", "CN", "ES")
    return any(_is_valid(written, region) for region in regions)


def _valid_prefix(text: str, start: int, end: int) -> int | None:
    """Where an international number ends that begins here: at the last group of digits that makes it valid."""
    ends = [end, *(start + match.start() for match in re.finditer(r"[ \-.()/]+", text[start:end]))]
    for stop in sorted(ends, reverse=True):
        if sum(character.isdigit() for character in text[start:stop]) >= LEAST_DIGITS and _is_valid(
            text[start:stop], None
        ):
            return stop
    return None


def _is_valid(written: str, region: str | None) -> bool:
    """Whether libphonenumber knows such numbers; an extension is not judged."""
    import phonenumbers

    number = _EXTENSION.sub("", written) if region == "CN" and not _MOBILE.fullmatch(written) else written
    for attempt in dict.fromkeys((written, number)):
        chinese = re.match(r"\(?(?:00)?\+?86\)?(?=[ -]?\d{2})", attempt) if region == "CN" else None
        given = "+86" + attempt[chinese.end() :] if chinese else attempt
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(given, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False
