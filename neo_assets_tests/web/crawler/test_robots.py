"""robots.txt, as RFC 9309 asks."""

from __future__ import annotations

from neo_assets.web.crawler.robots import MAX_BYTES, robots_of

AGENT = "neo-assets/0.1 (+me@example.org)"


def test_rules_groups_wildcards_and_overrides() -> None:
    body = (
        "\ufeffUser-agent: badbot\r\nDisallow: /\r\n\r\nUser-agent: *\r\nDisallow: /print/\r\nAllow: /print/01.html\r\n"
        "Disallow: /*?print=\r\nDisallow: /*.cgi$\r\nCrawl-delay: 2.5\r\nSitemap: http://a.test/s.xml\r\n"
    ).encode()
    robots = robots_of(AGENT, 200, body)
    assert robots.refusal("http://a.test/") is None
    assert robots.refusal("http://a.test/print/02.html") == "robots"
    assert robots.refusal("http://a.test/print/01.html") is None
    assert robots.refusal("http://a.test/x?print=1") == "robots"
    assert robots.refusal("http://a.test/x.cgi") == "robots"
    assert robots.refusal("http://a.test/x.cgi?y") is None
    assert robots.crawl_delay_seconds == 2.5
    assert robots.sitemaps == ["http://a.test/s.xml"]


def test_our_own_group_is_found_by_the_product_name() -> None:
    robots = robots_of(AGENT, 200, b"User-agent: neo-assets\nDisallow: /private\n\nUser-agent: *\nDisallow: /\n")
    assert robots.refusal("http://a.test/") is None
    assert robots.refusal("http://a.test/private") == "robots"


def test_without_a_file_everything_is_allowed() -> None:
    for status in (404, 403, 410, 304):
        assert robots_of(AGENT, status, b"User-agent: *\nDisallow: /").refusal("http://a.test/") is None


def test_without_an_answer_nothing_is_allowed() -> None:
    for status in (429, 500, 503, None):
        robots = robots_of(AGENT, status, b"")
        assert robots.refusal("http://a.test/") == "robots unreachable"
        assert robots.sitemaps == []
        assert robots.crawl_delay_seconds == 0


def test_broken_files_are_read_as_far_as_they_go() -> None:
    assert robots_of(AGENT, 200, b"<html>\xff\xfe not found</html>").refusal("http://a.test/") is None
    long = b"User-agent: *\nDisallow: /a\n" + b"#" * MAX_BYTES + b"\nDisallow: /b\n"
    assert robots_of(AGENT, 200, long).refusal("http://a.test/a") == "robots"
    assert robots_of(AGENT, 200, long).refusal("http://a.test/b") is None


def test_a_rule_that_is_cut_at_the_limit_is_no_rule() -> None:
    head = b"User-agent: *\nDisallow: /a\n"
    filler = b"#" * (MAX_BYTES - len(head) - 12) + b"\n"
    robots = robots_of(AGENT, 200, head + filler + b"Disallow: /books/old\n")
    assert robots.refusal("http://a.test/a") == "robots"
    assert robots.refusal("http://a.test/books/new") is None


def test_only_our_own_group_counts_if_there_is_one() -> None:
    robots = robots_of(AGENT, 200, b"User-agent: *\nDisallow: /\nCrawl-delay: 9\n\nUser-agent: Neo-Assets\nDisallow:\n")
    assert robots.refusal("http://a.test/private") is None
    assert robots_of(AGENT, 200, b"User-agent: neo-assets\nDisallow: /\n").refusal("http://a.test/") == "robots"


def test_nonsense_delays_are_none() -> None:
    for value in (b"soon", b"-3", b"inf", b"nan", b""):
        assert robots_of(AGENT, 200, b"User-agent: *\nCrawl-delay: " + value + b"\n").crawl_delay_seconds == 0
    assert robots_of(AGENT, 200, b"User-agent: *\nCrawl-delay: 0.25\n").crawl_delay_seconds == 0.25
