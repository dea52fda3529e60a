"""Categories of addresses: one form of an address, parent domains, prefixes, and reading UT1's layout safely."""

from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.recipe.lists import UrlListSettings, UrlWordSettings
from neo_assets.text.url_files import NEUTRAL, WHITE, UrlFile, _in_ascii, chosen_categories, read_url_files
from neo_assets.text.url_index import build_index
from neo_assets.text.urls import UrlLists, UrlLookup, load_url_lists
from neo_assets_tests.text.batches import SEED

DOMAINS = {"adult": ["bad.com", "sub.evil.org", "xn--fiq228c.test", "10.0.0.1", "xxx"], "phishing": ["phish.bad.com"]}
URLS = {
    "adult": ["tumblr.com/naughty", "site.cn/a%20b/中"],
    "hacking": ["site.cn/x.php?id=1", "tumblr.com/naughty/deep"],
}


def write_lists(folder: Path, domains: dict[str, list[str]], urls: dict[str, list[str]]) -> Path:
    for kind, lists in (("domains", domains), ("urls", urls)):
        for category, lines in lists.items():
            (folder / category).mkdir(parents=True, exist_ok=True)
            (folder / category / kind).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> UrlLists:
    folder = write_lists(tmp_path_factory.mktemp("ut1"), DOMAINS, URLS)
    return load_url_lists(UrlListSettings(path=str(folder)), SEED)


def names(lists: UrlLists, urls: list[str | None]) -> list[str | None]:
    return [None if number is None else lists.names[number] for number in lists.categories(urls)]


@pytest.mark.parametrize(
    ("url", "category"),
    [
        (None, None), ("", None), ("http://", None), ("https://bad.com", "adult"), ("HTTP://WWW.Bad.COM./x", "adult"),
        ("http://user:pw@bad.com:8080/", "adult"), ("//bad.com/", "adult"), ("bad.com", "adult"),
        ("http://a.b.bad.com/", "adult"), ("http://phish.bad.com/", "phishing"),
        ("http://www.phish.bad.com", "phishing"),
        ("http://notbad.com/", None), ("http://bad.com.cn/", None), ("http://good.com/?u=bad.com", None),
        ("http://good.com/@bad.com", None), ("http://good.com@bad.com/", "adult"), ("http://evil.org/", None),
        ("http://10.0.0.1/", "adult"), ("http://sub.10.0.0.1/", None), ("http://any.xxx/", "adult"),
        ("http://中文.test/", "adult"), ("http://XN--FIQ228C.test/", "adult"), ("http://中文。test/路", "adult"),
        ("https://tumblr.com/naughty", "adult"), ("https://www.tumblr.com/Naughty/?a#b", "adult"),
        ("https://tumblr.com/naughty-not", None), ("https://tumblr.com/", None), ("https://x.tumblr.com/naughty", None),
        ("https://tumblr.com//naughty//deep/er", "hacking"), ("https://tumblr.com/%6eaught%79?p=2", "adult"),
        ("http://site.cn/a b/%E4%B8%AD/1", "adult"), ("http://site.cn/a%20b/中", "adult"),
        ("http://site.cn/a%2Fb/中", None),
        ("http://site.cn/x.php?id=1&p=2", "hacking"), ("http://site.cn/x.php?id=12", None),
        ("http://site.cn/x.php", None),
        ("http:\\\\bad.com\\x", None), ("mailto:a@bad.com", "adult"), ("http://[::1]/", None), ("http://%", None),
    ],
)  # fmt: skip
def test_one_form_of_an_address(lists: UrlLists, url: str | None, category: str | None) -> None:
    assert names(lists, [url]) == [category]


def test_a_batch_equals_its_addresses_one_by_one(lists: UrlLists) -> None:
    urls = ["http://bad.com/", None, "x" * 3000, "http://中文.test", "", "http://tumblr.com/naughty"]
    assert lists.categories(urls) == [lists.categories([url])[0] for url in urls]
    assert lists.categories([]) == []


HOST = st.lists(st.sampled_from(["a", "b", "c", "www"]), min_size=1, max_size=4).map(".".join)
PATH = st.lists(st.sampled_from(["/", "x", "y", "?", "&", "%78", "Y", "#", "%2f", "é"]), max_size=6).map("".join)


def one_form(url: str) -> tuple[str, str]:
    """Host, and host with path, as the list has them; by the standard library."""
    url = url.partition("#")[0]
    cut = min((url.find(mark) for mark in "/?" if mark in url), default=len(url))
    host, path = url[:cut].lower(), url[cut:]
    host = host[4:] if host.startswith("www.") else host
    path = unquote_to_bytes(path.replace("%2f", "%252f")).decode().lower()
    while "//" in path:
        path = path.replace("//", "/")
    return host, (host + path).rstrip("/")


def naive(url: str, domains: dict[str, int], prefixes: dict[str, int]) -> int | None:
    host, form = one_form(url)
    for stop in range(len(form), len(host) - 1, -1):
        if form[:stop] in prefixes and (stop == len(form) or form[stop] in "/?&"):
            return prefixes[form[:stop]]
    labels = host.split(".")
    return next((domains[name] for i in range(len(labels)) if (name := ".".join(labels[i:])) in domains), None)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(HOST, st.booleans()), max_size=5),
    st.lists(st.tuples(HOST, PATH, st.booleans()), max_size=5),
    st.lists(st.tuples(HOST, PATH), min_size=1, max_size=8),
)
def test_equals_a_naive_look_up(
    hosts: list[tuple[str, bool]], paths: list[tuple[str, str, bool]], asked: list[tuple[str, str]]
) -> None:
    ids = {"a": 1, "b": 2}
    domains = {c: [f"{host}.site" for host, first in hosts if first == (c == "a")] for c in ids}
    urls = {c: [f"{host}.site{path}" for host, path, first in paths if first == (c == "a")] for c in ids}
    loaded = UrlLists(
        ("", *ids),
        build_index([UrlFile(c, "domains", _in_ascii("\n".join(lines).encode())) for c, lines in domains.items()], ids),
        build_index([UrlFile(c, "urls", _in_ascii("\n".join(lines).encode())) for c, lines in urls.items()], ids),
        None,
    )
    by_domain = {one_form(line)[0]: ids[c] for c in ("b", "a") for line in domains[c]}
    by_prefix = {one_form(line)[1]: ids[c] for c in ("b", "a") for line in urls[c]}
    wanted = [f"{host}.site{path}" for host, path in asked]
    assert loaded.categories(wanted) == [naive(url, by_domain, by_prefix) for url in wanted]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=30), st.binary(max_size=30).map(lambda b: b.decode("latin-1")))))
def test_any_text_is_taken_for_an_address(lists: UrlLists, urls: list[str | None]) -> None:
    found = lists.categories(urls)
    assert len(found) == len(urls)
    assert all(number is None for url, number in zip(urls, found, strict=True) if not url)


def test_public_suffixes_list_nothing(tmp_path: Path) -> None:
    write_lists(tmp_path, {"adult": ["com", "com.cn", "cn", "# bad.com", "", "blog.spot"]}, {"adult": ["com"]})
    loaded = load_url_lists(UrlListSettings(path=str(tmp_path)), SEED)
    urls = ["http://a.com", "http://a.com.cn", "http://b.cn", "http://bad.com", "http://x.blog.spot"]
    assert loaded.categories(urls) == [None, None, None, None, 1]


def test_white_and_neutral_categories_are_left_out_by_default() -> None:
    present = {"adult", "press", "blog", "mine", "yours"}
    white = frozenset({"mine"})
    assert chosen_categories(UrlListSettings(path="x"), present, white) == ["adult", "yours"]
    assert chosen_categories(UrlListSettings(path="x", exclude=("adult",)), present, white) == ["yours"]
    assert chosen_categories(UrlListSettings(path="x", include=("press", "adult")), present, white) == [
        "adult",
        "press",
    ]
    with pytest.raises(ValueError, match="no such categories: adlut"):
        chosen_categories(UrlListSettings(path="x", include=("adlut",)), present, white)
    with pytest.raises(ValueError, match="both included and excluded"):
        UrlListSettings(path="x", include=("adult",), exclude=("adult",))
    refined_web = {"adult", "phishing", "dating", "gambling", "filehosting", "ddos", "agressif", "chat", "mixed_adult",
                   "arjel"}  # fmt: skip
    assert not refined_web & (WHITE | NEUTRAL)  # RefinedWeb, appendix G.1


def test_the_lists_of_the_bundled_web() -> None:
    loaded = load_url_lists(UrlListSettings(path="lists/ut1"), SEED)
    assert loaded.names == ("", "gambling", "publicite", "redirector")
    urls = ["http://junk.neo.test/adverts/zh-1.html", "http://laws.neo.test/", "http://junk.neo.test/lorem/0.html"]
    assert names(loaded, [*urls]) == ["publicite", None, None]  # press, with laws.neo.test, is white
    lookup = pickle.loads(pickle.dumps(UrlLookup(UrlListSettings(path="lists/ut1"), SEED)))  # noqa: S301
    assert lookup.categories(urls) == loaded.categories(urls)
    assert loaded.digest == load_url_lists.__wrapped__(UrlListSettings(path="lists/ut1"), SEED).digest


def test_words_in_addresses(tmp_path: Path) -> None:
    for name, words in (("strict", "bangbus"), ("hard", "porn\n色情"), ("soft", "hot\nsexy\ngirls")):
        (tmp_path / f"{name}.txt").write_text(words, encoding="utf-8")
    words = UrlWordSettings(strict_files=("strict.txt",), hard_files=("hard.txt",), soft_files=("soft.txt",))
    write_lists(tmp_path / "ut1", {"adult": ["bad.com"]}, {})
    loaded = load_url_lists(UrlListSettings(path="ut1", words=words), tmp_path)
    assert names(loaded, [
        "http://xxbangbusxx.com", "http://a.com/free-PORN/1", "http://a.com/pornography-laws", "http://bad.com/porn",
        "http://a.com/hot_girls", "http://a.com/hot-hot", "http://a.com/hot", "http://a.com/%E8%89%B2%E6%83%85/", None,
    ]) == ["url_words", "url_words", None, "adult", "url_words", "url_words", None, "url_words", None]  # fmt: skip


def archive(path: Path, files: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return path


def test_an_archive_gives_what_its_folder_does(tmp_path: Path) -> None:
    folder = write_lists(tmp_path / "blacklists", DOMAINS, URLS)
    usage = b"NAME:\thacking\nDEFAULT_TYPE: white\n"
    (folder / "global_usage").write_bytes(usage)
    (folder / "porn").symlink_to("adult")
    files = {f"blacklists/{f.parent.name}/{f.name}": f.read_bytes() for f in folder.glob("[!p]*/*")}
    files |= {"../../phishing/domains": (folder / "phishing/domains").read_bytes(), "blacklists/global_usage": usage}
    files |= {
        "blacklists/ads/domains": b"x.com",
        "blacklists/publicite/domains": b"y.com",
        "blacklists/adult/other": b"?",
    }
    tar = archive(
        tmp_path / "lists.tar.gz", files, {"blacklists/porn": "adult", "blacklists/evil/domains": "/etc/passwd"}
    )
    of_folder, white = read_url_files(folder)
    of_archive, white_too = read_url_files(tar)
    assert white == white_too == frozenset({"hacking"})
    assert [(f.category, f.kind) for f in of_archive if f.category != "publicite"] == [
        (f.category, f.kind) for f in of_folder
    ]
    assert {f.content for f in of_folder} < {f.content for f in of_archive}
    assert {f.category for f in of_archive} == {"adult", "hacking", "phishing", "publicite"}


def test_a_bad_list_says_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="cannot read the URL list"):
        read_url_files(tmp_path / "absent.tar.gz")
    with pytest.raises(ValueError, match="holds no URL list"):
        read_url_files(tmp_path)
    whole = archive(tmp_path / "whole.tar.gz", {"adult/domains": b"".join(b"%d.com\n" % i for i in range(9999))})
    (tmp_path / "half.tar.gz").write_bytes(whole.read_bytes()[:9000])
    with pytest.raises(ValueError, match="cannot read the URL list"):
        read_url_files(tmp_path / "half.tar.gz")
    monkeypatch.setattr("neo_assets.text.url_files.MAX_FILE_BYTES", 1000)
    with pytest.raises(ValueError, match="too large"):
        read_url_files(whole)
