"""Registered domains, by the list that ships with tldextract."""

from __future__ import annotations

import pytest

from neo_assets.web.crawler.domains import registered_domain


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("example.com", "example.com"),
        ("a.b.example.co.uk:8080", "example.co.uk"),
        ("www.gov.cn", "www.gov.cn"),  # gov.cn is a suffix
        ("a.b.people.com.cn", "people.com.cn"),
        ("a.somebody.github.io", "somebody.github.io"),
        ("github.io", "github.io"),
        ("a.xn--fiqs8s", "a.xn--fiqs8s"),
        ("b.a.xn--fiqs8s", "a.xn--fiqs8s"),
        ("a.b.trap.test", "trap.test"),  # no such top-level domain
        ("localhost", "localhost"),
        ("localhost:80", "localhost"),
        ("93.184.216.34:81", "93.184.216.34"),
        ("[2001:db8::1]:81", "[2001:db8::1]"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("", ""),
    ],
)
def test_the_domain_of_a_host(host: str, domain: str) -> None:
    assert registered_domain(host) == domain
