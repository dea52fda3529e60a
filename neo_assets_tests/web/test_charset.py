"""Charset detection against pages whose encoding is known, and against declarations that lie."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.web import seed
from neo_assets.web.charset import candidates, declared, decode, known
from neo_assets.web.recorder import CHARSET
from neo_assets.web.site import build_site

SENTENCE = "第一条　为保证公正、及时地仲裁经济纠纷，保护当事人的合法权益，制定本法。"


def test_every_page_of_the_bundled_web_is_decoded_right() -> None:
    site = build_site(0)
    assert len({article.encoding for article in site.articles.values()}) == 5
    for article in site.articles.values():
        page = site.pages[article.host, article.path]
        header = CHARSET.search(page.content_type)
        text, charset = decode(page.body, header[1] if header else None)
        assert text == page.body.decode(article.encoding), (article.url, charset)


def test_euc_kr_pages_of_the_apache_manual() -> None:
    for name in ("bind", "dso", "handler", "invoking"):
        data = seed.read_bytes(f"web/httpd/{name}.ko.html")
        text, charset = decode(data)
        assert charset == "cp949"
        assert text == data.decode("euc_kr")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "gb18030", "gbk", "utf-8"])
@pytest.mark.parametrize("header", [None, "utf-8", "gbk", "iso-8859-1", "big5", "nonsense", "hex", "idna"])
def test_a_lying_header_is_not_believed_where_the_bytes_contradict(encoding: str, header: str | None) -> None:
    text = SENTENCE * 20
    assert decode(text.encode(encoding), header)[0] == text


def test_the_statistics_outvote_a_header_that_also_fits_when_the_meta_tag_agrees_with_them() -> None:
    data = f'<meta charset="gbk">{SENTENCE * 20}'.encode("gbk")
    assert decode(data, "iso-8859-1") == (data.decode("gbk"), "gb18030")


@given(st.text(), st.sampled_from([None, "utf-8", "gbk", "shift_jis", "x-unknown"]))
def test_utf8_survives_any_declaration(text: str, header: str | None) -> None:
    data = text.encode("utf-8")
    assert decode(data, header)[0] == text.removeprefix("\ufeff")


@given(st.binary(), st.sampled_from([None, "utf-8", "gbk", "utf-16", "hex", "undefined", ""]))
def test_any_bytes_give_text(data: bytes, header: str | None) -> None:
    text, charset = decode(data, header)
    text.encode("utf-8")
    assert charset


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b'<meta charset="gbk">', "gb18030"),
        (b"<META http-equiv=Content-Type content='text/html; charset=BIG5'>", "big5hkscs"),
        (b'<?xml version="1.0" encoding="euc-kr"?><html>', "cp949"),
        (b'<meta charset="utf-16le">', "utf-8"),
        (b'<meta charset="base64">', None),
        (b" " * 5000 + b'<meta charset="gbk">', None),
    ],
)
def test_declarations_in_the_page(head: bytes, name: str | None) -> None:
    assert declared(head) == name


def test_only_web_encodings_are_known() -> None:
    assert [known(label) for label in ("GB2312", "latin1", "utf-7", "idna", "", None)] == [
        "gb18030", "cp1252", None, None, None, None,
    ]  # fmt: skip


def test_ascii_pages_are_utf8() -> None:
    assert list(candidates(b"plain", "iso-8859-1")) == ["utf-8"]
    assert decode("日本".encode("iso2022_jp"), "iso-2022-jp")[0] == "日本"
