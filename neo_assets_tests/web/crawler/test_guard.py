"""What a crawl may never ask for."""

from __future__ import annotations

import pytest

from neo_assets.web.crawler.guard import is_public, refusal


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.com/", None),
        ("https://example.com:8443/x?y", None),
        ("http://8.8.8.8/", None),
        ("http://[2606:4700::1111]/", None),
        ("file:///etc/passwd", "scheme"),
        ("ftp://example.com/", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("gopher://127.0.0.1:6379/", "scheme"),
        ("http://localhost/", "address"),
        ("http://a.localhost/", "address"),
        ("http://LOCALHOST./", "address"),
        ("http://127.0.0.1/", "address"),
        ("http://127.1/", "address"),
        ("http://2130706433/", "address"),
        ("http://0x7f000001/", "address"),
        ("http://0177.0.0.1/", "address"),
        ("http://0/", "address"),
        ("http://10.1.2.3/", "address"),
        ("http://192.168.0.1:8080/", "address"),
        ("http://172.31.255.255/", "address"),
        ("http://169.254.169.254/latest/meta-data/", "address"),
        ("http://[::1]/", "address"),
        ("http://[::ffff:127.0.0.1]/", "address"),
        ("http://[fe80::1]/", "address"),
        ("http://[fd00::1]/", "address"),
        ("http://224.0.0.1/", "address"),
        ("http://999.1.1.1/", "address"),
        ("http://0.0.0.0/", "address"),
        ("http://[::]/", "address"),
        ("http://[::ffff:7f00:1]/", "address"),
        ("http://[0:0:0:0:0:ffff:127.0.0.1]/", "address"),
        ("http://[::127.0.0.1]/", "address"),
        ("http://[64:ff9b::7f00:1]/", "address"),
        ("http://[2002:7f00:1::]/", "address"),
        ("http://[fe80::1%25eth0]/", "address"),
        ("http://[ff02::1]/", "address"),
        ("http://127.0.0.1./", "address"),
        ("http://127.0.0.1.../", "address"),
        ("http://017700000001/", "address"),
        ("http://0x7F.0.0.1/", "address"),
        ("http://127.0.0.01/", "address"),
        ("http://1\uff127.0.0.1/", "address"),
        ("http://127\u30020\u30020\uff0e1/", "address"),
        ("http://100.64.0.1/", "address"),
        ("http://metadata.google.internal/", "address"),
        ("http://printer.local/", "address"),
        ("http://intranet/", "address"),
        ("http://%31%32%37.0.0.1/", "malformed"),
        ("http://example.com\\.127.0.0.1/", "malformed"),
        ("http://exa mple.com/", "malformed"),
        ("http://example..com/", "malformed"),
        ("http://example.com:22/", "port"),
        ("http://example.com:25/", "port"),
        ("http://example.com:0/", "port"),
        ("http://example.com:443/", None),
        ("http://example.com:8080/", None),
        ("http://例子.test/", None),
        ("http://example.com@127.0.0.1/", "malformed"),
        ("http://127.0.0.1\\@example.com/", "malformed"),
        ("http://@127.0.0.1/", "malformed"),
        ("data:text/html,x", "scheme"),
        ("//example.com/", "scheme"),
        ("http://user:secret@example.com/", "malformed"),
        ("http:///path", "malformed"),
        ("http://example.com:99999/", "malformed"),
        ("http://[::1/", "malformed"),
    ],
)
def test_refusal_on_the_open_web(url: str, reason: str | None) -> None:
    assert refusal(url) == reason


def test_allowed_hosts_bound_the_crawl() -> None:
    allowed = (".neo.test", "example.org")
    assert refusal("http://laws.neo.test/", allowed) is None
    assert refusal("http://example.org/", allowed) is None
    assert refusal("http://www.example.org/", allowed) == "host"
    assert refusal("http://evilneo.test/", allowed) == "host"
    assert refusal("http://laws.neo.test.evil.com/", allowed) == "host"
    assert refusal("http://127.0.0.1/", allowed) == "address"


def test_a_private_address_must_be_allowed_by_name() -> None:
    assert refusal("http://10.0.0.5/", ("10.0.0.5",)) is None
    assert refusal("http://10.0.0.5:22/", ("10.0.0.5",)) is None
    assert refusal("http://10.0.0.6/", ("10.0.0.5",)) == "address"
    assert refusal("http://a.neo.test:22/", (".neo.test",)) == "port"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("1.1.1.1", True),
        ("127.0.0.1", False),
        ("fe80::1%eth0", False),
        ("2606:4700::1111", True),
        ("2001:db8::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:1.1.1.1", True),
        ("2002:0a00:0001::", False),
        ("64:ff9b::101:101", False),
        ("255.255.255.255", False),
    ],
)
def test_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public
