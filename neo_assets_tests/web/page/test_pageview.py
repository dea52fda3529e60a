"""The view of a page: each part of it, and what hostile pages may cost."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from neo_assets.web.page.pageview import PageView, digest, read_page

SENTENCE = "第一条　为保证公正、及时地仲裁经济纠纷，保护当事人的合法权益，制定本法。"
PAGE = (
    "<html lang=zh-CN><head><title>题目</title><meta name=author content=鲁迅><meta name=date content=2024-11-01>"
    "<link rel=canonical href=/c></head><body><nav><a href=/>首页</a><a href=/s rel=nofollow>搜索</a></nav>"
    f"<article><p>{SENTENCE}</p><a href='/s?w=法律'>法律</a></article></body></html>"
)


def view(html: str | bytes, content_type: str = "text/html", charset: str | None = None, **headers: str) -> PageView:
    payload = html if isinstance(html, bytes) else html.encode()
    return read_page(
        "http://a.test/x", payload, content_type, charset, {k.replace("_", "-"): v for k, v in headers.items()}
    )


def test_everything_at_once_from_a_page_whose_header_is_wrong() -> None:
    found = view(PAGE.encode("gbk"), charset="utf-8")
    assert SENTENCE in found.text
    assert found.text_digest == digest(found.text)
    assert (found.title, found.date, found.author, found.canonical) == ("题目", "2024-11-01", "鲁迅", "http://a.test/c")
    assert (found.declared_language, found.charset, found.noindex, found.nofollow) == ("zh-CN", "gb18030", False, False)
    assert found.links == ("http://a.test/c", "http://a.test/", "http://a.test/s?w=%B7%A8%C2%C9")
    assert found.extractor not in ("", "plain")


def test_a_page_that_asks_not_to_be_followed_has_no_links() -> None:
    found = view(PAGE, X_Robots_Tag="nofollow")
    assert (found.nofollow, found.noindex, found.links) == (True, False, ())
    assert view(PAGE.replace("<head>", "<head><meta name=robots content=none>")).links == ()


def test_plain_text_is_its_own_text() -> None:
    found = view("一\r\n<p>二\n".encode("gb18030"), "text/plain", "gb18030", X_Robots_Tag="noindex")
    assert (found.text, found.extractor, found.title, found.links, found.noindex) == (
        "一\n<p>二",
        "plain",
        "",
        (),
        True,
    )


def test_the_digest_is_of_the_words_only() -> None:
    assert digest(" a \n\n b\t") == hashlib.sha256(b"a b").hexdigest()
    one = view(PAGE)
    other = view(PAGE.replace("首页", "主页").replace("题目", "新题目").replace("/s", "/t"))
    assert one.text_digest == other.text_digest
    assert one.text_digest != view(PAGE.replace("第一条", "第二条")).text_digest


@given(st.binary(max_size=300), st.sampled_from(["text/html", "text/plain", "application/xhtml+xml"]))
def test_any_bytes_have_a_view(data: bytes, content_type: str) -> None:
    found = view(data, content_type, "gbk")
    assert found.text.encode("utf-8") is not None
