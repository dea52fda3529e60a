"""Seeds from the recipe, from lists and from sitemaps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from neo_assets.web.crawler.seeds import SeedListError, seed_table
from neo_assets_tests.web.crawls import settings


def rows(**values: Any) -> list[dict[str, Any]]:
    return seed_table(settings(**({"allowed_hosts": ()} | values))).to_pylist()


def test_the_bundled_web_has_its_own() -> None:
    assert [(row["url"], row["kind"], row["verdict"]) for row in rows()] == [("http://www.neo.test/", "page", "kept")]


def test_lists_and_sitemaps_and_the_recipes_own(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfhttp://b.test/\r\n# no\n\n  http://a.test/  \n")
    (tmp_path / "b.txt").write_text("http://b.test/\nfile:///etc/passwd\nhttp://10.0.0.1/\n说明\n")
    found = rows(seeds=("http://a.test/",), sitemap_urls=("http://a.test/map.xml",), seed_lists=(f"{tmp_path}/*.txt",))
    kept = {row["url"]: (row["kind"], row["source"]) for row in found if row["verdict"] == "kept"}
    assert kept == {
        "http://a.test/": ("page", "recipe"),
        "http://a.test/map.xml": ("sitemap", "recipe"),
        "http://b.test/": ("page", "a.txt, line 1"),
    }
    refused = {row["url"]: (row["rule"], row["reason"]) for row in found if row["verdict"] == "quarantined"}
    assert refused == {
        "file:///etc/passwd": ("scheme", "b.txt, line 2: not to be crawled"),
        "http://10.0.0.1/": ("address", "b.txt, line 3: not to be crawled"),
        "说明": ("scheme", "b.txt, line 4: not to be crawled"),
    }
    assert [row["url"] for row in found] == sorted(row["url"] for row in found)


def test_a_list_that_is_missing_or_no_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SeedListError, match="no file matches"):
        rows(seed_lists=(f"{tmp_path}/*.txt",))
    (tmp_path / "a.txt").write_bytes("http://甲.test/".encode("gbk"))
    with pytest.raises(SeedListError, match="not UTF-8"):
        rows(seed_lists=(f"{tmp_path}/*.txt",))
