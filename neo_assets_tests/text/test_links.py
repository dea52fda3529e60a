"""Links leave Chinese text; what only looks like one stays."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.text.links import remove_links


@pytest.mark.parametrize(
    "text",
    [
        "用Node.js写服务", "Node.js is a runtime", "v1.beta", "版本 v1.beta 发布", "版本1.2.3.4更新",
        "2.0.1.RELEASE", "1.2.3.beta",
        "见 README.md 和 main.py", "main.rs", "ASP.NET Core", "java.util.concurrent.atomic.AtomicInteger",
        "javax.swing.text.html", "邮箱 person1@example.com。", "a.b@mail.example.com", "第1.2.3.4条",
        "3.14", "e.g. this", "U.S.A.",
        "等等...", "访问baidu.com吧", "libfoo.so.6", "index.html", "192.168.0.1", "10.0.0.1.5", "sub_x.com",
        "a.comb", "",
        "没有链接。", "example.com.foo", "Fig.net-work", "用户@weibo.com", "logger.info", "socket.io", "window.top",
    ],
)  # fmt: skip
def test_stays(text: str) -> None:
    assert remove_links(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("见http://a.com/x?y=1,后面", "见,后面"), ("见https://a.com/中文", "见中文"), ("HTTP://A.COM 好", " 好"),
        ("网址www.a.com/b。完", "网址。完"), ("链接：http://a.com/x！真好", "链接：！真好"),
        ("（http://a.com）", "（）"),
        ("“http://a.com/b”", "“”"), ("http://a.com/b…更多", "…更多"), ("http://a.com、http://b.cn、", "、、"),
        ("去 baidu.com 看", "去  看"), ("访问news.sina.com.cn吧", "访问吧"), ("来自 news.sina.com 的", "来自  的"),
        ("a.b.c.com/path/x.html 好", " 好"), ("localhost.com:8080/x y", " y"), ("example.com.", "."),
        ("one.com two.net，three.org", " ，"), ("https://", ""), ("wwww.a.com", ""),
    ],
)  # fmt: skip
def test_goes(text: str, left: str) -> None:
    assert remove_links(text) == left


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_text_without_a_dot_stays(text: str) -> None:
    text = text.replace(".", "").replace("://", "")
    assert remove_links(text) == text


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("a1./:-_@中，。 \nwcomnet")))
def test_only_removes(text: str) -> None:
    rest = iter(text)
    assert all(character in rest for character in remove_links(text))


@pytest.mark.parametrize(
    "piece", ["a.", "a-", "www.", "http://", "a.com.", ".com", "中a.com", "1.2.3.", "a.b.c.d.com/"]
)
def test_linear_time(piece: str) -> None:
    def seconds(n: int) -> float:
        text = piece * (n // len(piece))
        start = time.process_time()
        remove_links(text)
        return time.process_time() - start

    assert seconds(200_000) < 1
