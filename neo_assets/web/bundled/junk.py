"""The junk host: what a crawl meets besides text, each kind generated and known."""

from __future__ import annotations

import gzip
import html
import random

from neo_assets.web.bundled import seed
from neo_assets.web.bundled.pages import Article, Page, contents, dress, portal

HOST = "junk.neo.test"

# fmt: off
KEYWORDS_ZH = (
    "最新", "优惠", "折扣", "代理", "加盟", "招商", "贷款", "减肥", "彩票", "正品", "包邮", "特价", "秒杀", "团购",
    "咨询", "客服", "微信", "热线", "点击", "立即",
)
KEYWORDS_EN = (
    "cheap", "best", "buy", "online", "discount", "free", "offer", "casino", "loan", "pills", "watches", "replica",
    "sale", "deal", "price", "click", "now",
)
# fmt: on
LOREM = (
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore "
    "magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo."
)
TOO_SHORT = ("暂无内容。", "Coming soon.", "404", "OK", "敬请期待", "Under construction")
WRONG_CODECS = ("latin-1", "cp437", "gb18030")
N_CALENDAR_MONTHS = 40
"""Length of the chain of calendar pages, each linked only by the one before: the trap that a depth cap must cut."""
HUGE_BYTES = 2_200_000
BOMB_BYTES = 30_000_000


def pages() -> dict[str, Page]:
    """Path to page: all of the junk host, its home page included."""
    listed = {path: dress(article, portal) for path, article in _articles().items()}
    listed |= _navigation_only() | _redirects() | _oversized()
    hidden = _calendar()
    home = Article(HOST, "/", "Everything for everyone", ("Welcome.",), "en")
    links = [(path, path.strip("/")) for path in sorted(listed)]
    links += [("/calendar/1.html", "calendar"), ("/nowhere.html", "dead link"), ("http://closed.neo.test/", "closed"),
              ("mailto:webmaster@junk.neo.test", "mail"), ("http://127.0.0.1:9/", "admin")]  # fmt: skip
    return {"/": dress(home, contents, links)} | listed | hidden


def _articles() -> dict[str, Article]:
    made: dict[str, tuple[str, tuple[str, ...], str]] = {}
    for number in range(4):
        rng = random.Random(f"junk:{number}")
        made[f"/keywords/zh-{number}.html"] = (
            "优惠",
            tuple(" ".join(rng.choices(KEYWORDS_ZH, k=60)) for _ in range(6)),
            "zh",
        )
        made[f"/keywords/en-{number}.html"] = (
            "Deals",
            tuple(" ".join(rng.choices(KEYWORDS_EN, k=60)) for _ in range(6)),
            "en",
        )
        made[f"/adverts/zh-{number}.html"] = ("广告", _adverts_zh(rng), "zh")
        made[f"/adverts/en-{number}.html"] = ("Offers", _adverts_en(rng), "en")
    law, chapter = seed.laws()[5].lines, seed.pride_and_prejudice()[7].paragraphs
    for number, (line, lang) in enumerate([(law[0], "zh"), (law[9], "zh"), (chapter[0], "en"), (chapter[3], "en")]):
        made[f"/repeated/{number}.html"] = ("Again", (line,) * 40, lang)
    for number in range(3):
        lines = seed.sanguo()[10 + number].paragraphs[:12]
        garbled = tuple(line.encode("utf-8").decode(WRONG_CODECS[number], "replace") for line in lines)
        made[f"/mojibake/{number}.html"] = ("ä¸­å›½", garbled, "zh")
    for number in range(2):
        made[f"/lorem/{number}.html"] = ("Lorem", (LOREM,) * (4 + number), "la")
    for number, words in enumerate(TOO_SHORT):
        made[f"/short/{number}.html"] = ("…", (words,), "zh")
    for number in range(2):
        made[f"/contacts/{number}.html"] = ("通讯录 Contacts", _contacts(random.Random(f"contacts:{number}")), "zh")
    return {path: Article(HOST, path, *rest) for path, rest in made.items()}


def _adverts_zh(rng: random.Random) -> tuple[str, ...]:
    return tuple(
        f"【{rng.choice(KEYWORDS_ZH)}】仅需{rng.randrange(9, 999)}元！{rng.choice(KEYWORDS_ZH)}热线"
        f"400-000-{rng.randrange(1000, 9999)}，加微信neo{rng.randrange(100, 999)}，{rng.choice(KEYWORDS_ZH)}送不停！"
        for _ in range(12)
    )


def _adverts_en(rng: random.Random) -> tuple[str, ...]:
    return tuple(
        f"{rng.choice(KEYWORDS_EN).upper()}!!! Only ${rng.randrange(1, 99)}.99 >>> {rng.choice(KEYWORDS_EN)} "
        f"{rng.choice(KEYWORDS_EN)} >>> http://example.com/{rng.randrange(10**6)} ..."
        for _ in range(12)
    )


def _contacts(rng: random.Random) -> tuple[str, ...]:
    """Invented people, on numbers and addresses that belong to nobody (reserved domain, unassigned area codes)."""
    return tuple(
        f"联系人{number}号，电话 {rng.choice(('130', '139', '186'))}0000{rng.randrange(1000, 9999)}，"
        f"邮箱 person{rng.randrange(10**4)}@example.com，"
        f"身份证号 000000{rng.randrange(1950, 2000)}0101{rng.randrange(1000, 9999)}，IP 192.0.2.{rng.randrange(1, 255)}"
        for number in range(20)
    )


def _navigation_only() -> dict[str, Page]:
    made = {}
    for number in range(3):
        links = [(f"/short/{n % 6}.html?utm_source={number}", f"栏目 {n} · Section {n}") for n in range(60)]
        path = f"/menu/{number}.html"
        made[path] = dress(Article(HOST, path, "Menu", (), "zh"), contents, links)
    return made


def _redirects() -> dict[str, Page]:
    targets = {
        "/go/moved": (301, "/lorem/0.html"),
        "/go/chain": (302, "/go/moved"),
        "/go/loop-a": (302, "/go/loop-b"),
        "/go/loop-b": (302, "/go/loop-a"),
        "/go/blocked": (307, "http://laws.neo.test/internal/draft.html"),
        "/go/file": (302, "file:///etc/hostname"),
        "/go/loopback": (302, "http://127.0.0.1:22/"),
        "/go/decimal": (302, "http://2130706433/"),
        "/go/metadata": (308, "http://169.254.169.254/latest/meta-data/"),
    }
    return {path: Page(b"", status=status, location=to) for path, (status, to) in targets.items()}


def _oversized() -> dict[str, Page]:
    """One page over the size cap as it is, one only once unpacked, and one that fails before it succeeds."""
    line = f"<p>{html.escape(LOREM)}</p>\n".encode()
    flaky = Article(HOST, "/flaky.html", "Back again", seed.constitution()[:6], "en")
    bomb = gzip.compress(bytes(BOMB_BYTES), 9, mtime=0)
    return {
        "/huge.html": Page(line * (HUGE_BYTES // len(line) + 1)),
        "/bomb.html": Page(bomb, stored_gzip=True),
        "/flaky.html": Page(dress(flaky, portal).body, n_failures=1),
    }


def _calendar() -> dict[str, Page]:
    made = {}
    for month in range(1, N_CALENDAR_MONTHS + 1):
        path, following = f"/calendar/{month}.html", f"/calendar/{month + 1}.html"
        made[path] = dress(Article(HOST, path, f"Month {month}", (), "en"), contents, [(following, "next month")])
    return made
