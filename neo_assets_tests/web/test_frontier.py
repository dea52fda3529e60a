"""The frontier: every URL once, in waves that do not depend on the order in which URLs were found."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from neo_assets.recipe.crawl import CrawlSection
from neo_assets.web.frontier import Frontier, Target, canonical


def settings(**values: Any) -> CrawlSection:
    defaults: dict[str, Any] = {
        "start": date(2024, 11, 1), "seeds": ("http://a.test/",), "contact": "me@example.org", "max_pages": 100,
        "max_pages_per_host": 100, "max_depth": 3, "max_seconds": 60, "max_body_bytes": 1000,
    }  # fmt: skip
    return CrawlSection(**(defaults | values))


def waves(frontier: Frontier) -> list[list[Target]]:
    found = []
    while wave := frontier.next_wave():
        found.append(wave)
    return found


FOUND = st.tuples(
    st.sampled_from([f"http://{host}.test/{path}" for host in "ab" for path in ("", "x", "y?b=1&a=2", "z.PNG")]),
    st.sampled_from(["page", "sitemap"]),
    st.integers(0, 4),
    st.sampled_from(["", "http://a.test/r", "http://b.test/r"]),
)


@given(st.lists(FOUND, max_size=30), st.integers(1, 6), st.randoms(use_true_random=False))
def test_the_order_of_finding_does_not_matter(found: list[tuple[str, str, int, str]], cap: int, rng: Any) -> None:
    frontiers = [Frontier(settings(max_pages=cap, max_pages_per_host=3)) for _ in range(2)]
    for frontier in frontiers:
        for one in found:
            frontier.add(*one)
        rng.shuffle(found)
    one, other = map(waves, frontiers)
    assert one == other
    assert frontiers[0].n_left_out == frontiers[1].n_left_out
    urls = [target.url for wave in one for target in wave]
    assert len(urls) == len(set(urls)) <= cap
    assert all(wave == sorted(wave) for wave in one)
    assert [wave[0].depth for wave in one] == sorted(wave[0].depth for wave in one)


def test_a_url_is_given_once_at_its_smallest_depth() -> None:
    frontier = Frontier(settings())
    frontier.add("http://a.test/#top", depth=2, referrer="http://b.test/")
    frontier.add("http://A.test:80/", depth=1, referrer="http://c.test/")
    frontier.add("http://a.test/", depth=1, referrer="http://b.test/")
    assert waves(frontier) == [[Target("http://a.test/", "page", 1, "http://b.test/")]]
    frontier.add("http://a.test/")
    assert waves(frontier) == []


def test_what_is_left_out_is_counted() -> None:
    frontier = Frontier(settings(max_url_chars=40, max_pages_per_host=2, allowed_hosts=("a.test",)))
    for url in ("http://a.test/1", "http://a.test/2", "http://a.test/3", "http://b.test/", "http://a.test/x.css"):
        frontier.add(url)
    for url in ("http://a.test/" + "x" * 40, "mailto:me@a.test", "http://10.0.0.1/", "http://a.test:x/"):
        frontier.add(url)
    frontier.add("http://a.test/deep", depth=4)
    assert [target.url for wave in waves(frontier) for target in wave] == ["http://a.test/1", "http://a.test/2"]
    for reason in ("host", "extension", "length", "scheme", "address", "malformed", "depth", "max_pages_per_host"):
        assert frontier.n_left_out.pop(reason) == 1, reason
    assert not frontier.n_left_out


def test_forgotten_urls_are_never_asked_for() -> None:
    frontier = Frontier(settings())
    frontier.forget("http://a.test/gone")
    frontier.add("http://a.test/gone")
    assert waves(frontier) == []


def test_canonical_spelling() -> None:
    assert canonical("http://A.test:80/b?z=1&a=2#f") == "http://a.test/b?a=2&z=1"
    assert canonical("https://a.test:443") == "https://a.test/"
    assert canonical("http://a.test:8080/") == "http://a.test:8080/"
    assert canonical("http://a.test/?utm_source=x&id=3", ("utm_source",)) == "http://a.test/?id=3"
    assert canonical("http://a.test/路?词=值") == canonical("http://a.test/%E8%B7%AF?%E8%AF%8D=%E5%80%BC")
