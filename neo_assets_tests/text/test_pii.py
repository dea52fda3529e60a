"""Personal data: a labelled set with precision and recall, and what must hold of every text."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.recipe.corpus import PiiSettings
from neo_assets.text.identity_card import check_character, identity_cards
from neo_assets.text.pii import FINDERS, FOLD, PRIORITY, RedactPii, Span, find, redact
from neo_assets.text.pii_scan import AT, COLONS, NUMBER, candidates

MARKERS: dict[str, str] = dict(PiiSettings().markers.items())

# [[kind:text]] is what must be found; everything else must not be. Written for this test. The numbers are made up or
# published as examples: 110101199003077758 is built with its check character, mobile numbers are of no known person.
LABELLED = r"""
Write to [[email:jane.doe+news@mail.example-shop.co.uk]] by Friday.
请联系[[email:zhang.san@163.com]]或[[email:li_si@qq.com]]。
邮箱：[[email:wang＠gmail.com]]，谢谢
mailto:[[email:info@uni-heidelberg.de]]?subject=Hi
"[[email:A.B@sub.domain.gov.cn]]", [[email:x@y.org]].
Maintainer: Some One <[[email:some1@debian.org]]>
抄送 [[email:123456789@qq.com]]；
The server at [[ip:93.184.216.34]] answered; [[ip:8.8.4.200]]:53 did not.
http://[[ip:203.119.25.1]]/index.html
Failed password for root from [[ip:61.177.172.140]] port 22 ssh2
DNS服务器地址：[[ip:8.8.8.8]]，备用 [[ip:114.114.114.114]]
ping [[ip:1.1.1.1]] (1.1 ms)
Address [[ip:2001:4860:4860::8888]] and [[ip:2a00:1450:4001:0830:0000:0000:0000:200e]].
[[ip:2606:4700:4700::1111]], port 53
手机：[[phone:13812345678]]，微信同号
手机号[[phone:139 1234 5678]]或[[phone:186-1234-5678]]
联系人：李四 [[phone:15912345678]]。
[[phone:+86 138 1234 5678]] / [[phone:+8613912345678]]
电话（[[phone:010-62781234]]）传真[[phone:(010) 62785678]]
客服热线：[[phone:400-810-6789]]
总机：[[phone:021-64321234转8012]]
联系电话：[[phone:0755-83212345]]、[[phone:0571-87951234]]
电话：[[phone:62781234]]
手机：[[phone:１３８１２３４５６７８]]。
有事请拨打[[phone:17712345678]]。
国际：[[phone:0086-10-62781234]]，[[phone:86-21-64321234]]
身份证号：[[id_card:110101199003077758]]。
身份证[[id_card:11010119900307002X]]，请核对
证件（[[id_card:１１０１０１１９９００３０７７７５８]]）
旧身份证：[[id_card:110101900307775]]
公民身份号码[[id_card:110101 19900307 7758]]
Call [[phone:(212) 456-1111]] or [[phone:415-523-8886]] today.
Phone: [[phone:212.456.1111]], fax [[phone:1-800-356-9377]]
Tel. [[phone:2124561111]] (work)
London office: [[phone:+44 20 7946 0958]], Paris [[phone:+33 1 42 68 53 00]], Berlin [[phone:+49 30 227-0]].
Tel: [[phone:020 7946 0958]]
Tél. : [[phone:01 42 68 53 00]]
Telefon: [[phone:030 22732152]]
Mobile [[phone:07911 123456]]
You can reach me at [[phone:+1 650-253-0000]]; my mail is [[email:r.roe@gmail.com]].
"""

HARD = r"""
2024-01-15 13:45:00 and 15.01.2024, 1/15/2024, 20240115134500, 2024年01月15日13时
成立于1949年10月1日，1949-10-01至2019-10-01，19491001
Price: $1,234,567.89; ¥13,812,345,678; 13812345678元; EUR 1 234 567.00; 1.234.567,89
注册资本15000000000元，占比13.8123456789%，人口1390000000人
ISBN 978-7-302-51111-1, ISBN 9787302511111, ISBN 7-302-51111-X, ISSN 1234-5678, ISSN 13812345678
订单号：13812345678 运单编号15912345678 流水号2024011513812345678
Order 212-456-1111, invoice no. 2124561111, tracking number 13912345678, account 18612345678
QQ：1381234567 QQ群 13812345678 工号 13812345678
timestamp 1700000000, 1700000000123, id=15912345678, ?uid=13812345678&x=1
http://news.example.cn/a/13812345678.html http://a.cn/20240115/13812345678.shtml
Chrome/91.0.4472.124 Safari/537.36, version 10.11.12.13, v1.2.3.4, Firefox 3.6.28.1, libfoo-1.2.3.40.tar.gz
See section 12.1.2.3 and chapter 4.5.6.7; 5.2.1.1 Overview; RFC 2.3.4.5; 版本：33.44.55.66
Private 192.168.1.1, 10.0.0.1, 172.16.5.4, 127.0.0.1, 169.254.0.1, 0.0.0.0, 255.255.255.255, 224.0.0.1
256.300.1.2, 1.2.3, 1.2.3.4.5, 01234.5.6.7
fe80::1, ::1, 2001:db8::1, fc00::1, std::vector, a::b, ns::f(), 12:30:45, 00:1A:2B:3C:4D:5E, abc::def
x@y, foo@bar, @user, user@localhost, icon@2x.png, me@example.com, a@b.invalid, pkg@1.2.3, git@github.com:foo/bar.git
matrix @ vector; a@b.T; C = A@B.inv(); https://medium.com/@author/post-1234567; @media screen
身份证号码共18位，例如：110101199013077758（月份无效），110101199003077757（校验错误），990101199003077758（地区无效）
18位数字 123456789012345678，15位数字 123456789012345，银行卡 6222021234567890123
《中华人民共和国刑法》第二百三十四条、第1381条，主席令第66号，国发〔2019〕13号，（2019）京01民终1234号
SELECT * FROM t WHERE id = 13812345678901; 0x13812345678; 3.14159265358979; 1e-10; 6.02214076e23
1 2 3 4 5 6 7 8 9 10 11 12 13; 100 200 300 4000; 555 1234; 12 34 56 78 90
Population 1234567890 (2011-03-01), area 9,596,961 km2, GDP 212-456 billion
uuid 123e4567-e89b-12d3-a456-426614174000, sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709, 1.3.6.1.4.1.311
python3.11.7, ubuntu 22.04.3, 13800000000.5, +1.5, +12345, 1-2-3, 3-4-5 7-8, +-1234567
比分3-2，2018-2019赛季，编号138-1234-5678，ICP备12345678号-1，京公网安备11010102001234号
Psalm 119:105-112; pp. 1234-1245; 10.1000/182; doi:10.1038/nphys1170; arXiv:2405.19327; CVE-2021-44228
PMID 13812345678; patent 7123456; lot 4155238886; 99.99.99.1%; 800x600, 1920x1080
"""


def labelled() -> tuple[str, list[Span]]:
    """The labelled text without its brackets, and its spans."""
    text, spans = "", []
    for line in LABELLED.split("\n"):
        for place, piece in enumerate(line.split("[[")):
            if place:
                label, _, rest = piece.partition("]]")
                kind, _, value = label.partition(":")
                spans.append(Span(kind, len(text), len(text) + len(value)))
                text, piece = text + value, rest
            text += piece
        text += "\n"
    return text, spans


def test_precision_and_recall_on_the_labelled_set() -> None:
    text, wanted = labelled()
    found = find(text, MARKERS)
    missed = [text[s.start : s.end] for s in sorted(set(wanted) - set(found))]
    wrong = [(s.kind, text[s.start : s.end]) for s in sorted(set(found) - set(wanted))]
    assert (missed, wrong) == ([], [])
    assert Counter(span.kind for span in wanted) == {"phone": 30, "email": 10, "ip": 10, "id_card": 5}


@pytest.mark.parametrize("line", [line for line in HARD.split("\n") if line])
def test_what_only_looks_like_it_is_left_alone(line: str) -> None:
    assert [(span.kind, line[span.start : span.end]) for span in find(line, MARKERS)] == []


def test_the_check_character_is_iso_7064_mod_11_2() -> None:
    # The example printed in GB 11643-1999: 11010519491231002X; and its second one, 440524188001010014.
    assert check_character("11010519491231002") == "X"
    assert check_character("44052418800101001") == "4"
    rng = random.Random(1)
    number = "110101199003077758"
    for place in range(18):  # every single wrong digit is noticed
        wrong = number[:place] + rng.choice([d for d in "0123456789" if d != number[place]]) + number[place + 1 :]
        assert list(identity_cards(wrong)) == []
    assert list(identity_cards(number)) == [(0, 18)]


PIECES = st.sampled_from(
    [
        *("13812345678", "+86 138 1234 5678", "a.b@163.com", "93.184.216.34", "110101199003077758", "电话：", "Tel "),
        *("62781234", "2001:4860:4860::8888", "(212) 456-1111", "-", " ", "010-62781234", "订单号", "<PHONE>", "@"),
        *("１３８１２３４５６７８", "IP ", "＠x.com", "字", "\U0001f600", ".", ":", "8.8.8.8"),
        *("212", "1", "转", "\u3000", "é"),
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=8).map("".join))


@given(TEXTS)
def test_positions_map_back_exactly_and_redaction_is_idempotent(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    redacted, spans = redact(text, MARKERS)
    rebuilt, last = "", 0
    for span in spans:
        assert last <= span.start < span.end
        rebuilt += text[last : span.start] + MARKERS[span.kind]
        last = span.end
    assert rebuilt + text[last:] == redacted
    assert redact(redacted, MARKERS) == (redacted, [])


@given(TEXTS, TEXTS)
def test_nothing_is_found_without_a_candidate(before: str, text: str) -> None:
    """What the compiled pass says is no less than what patterns over the whole text would find."""
    text = text.encode("utf-8", "replace").decode()
    first, data = before.encode("utf-8", "replace"), text.encode()
    rows = candidates(np.frombuffer(first + data, np.uint8), np.array([0, len(first), len(first) + len(data)]))
    rows = rows[rows[:, 0] == 1]
    for candidate in (AT, NUMBER, COLONS):
        for _, finder in FINDERS[candidate]:
            for start, end in finder(text.translate(FOLD)):
                met = [row for row in rows.tolist() if row[1] == candidate and row[2] < end and row[3] > start]
                assert met, (text, text[start:end])


def test_of_overlapping_finds_the_surer_kind_stays() -> None:
    assert PRIORITY[0] == "email"
    assert find("13812345678@163.com", MARKERS) == [Span("email", 0, 19)]
    assert find("手机 13812345678@163.com", ["phone"]) == []  # a number inside an address is none, whatever is wanted
    # A card number whose first eleven digits would be a mobile number of another country.
    assert [span.kind for span in find("身份证 +86 110101199003077758", MARKERS)] == ["id_card"]


def test_kinds_without_a_marker_stay() -> None:
    text = "13812345678 a.b@163.com"
    assert redact(text, {"email": "[MAIL]"}) == ("13812345678 [MAIL]", [Span("email", 12, 23)])


def test_the_kernel_keeps_rows_and_passes_other_columns_on() -> None:
    texts = ["nothing 12", None, "", "电话：62781234，x", "no"]
    batch = pa.record_batch({"doc_id": list("abcde"), "text": pa.array(texts, pa.string()), "n": [1, 2, 3, 4, 5]})
    kernel = RedactPii(PiiSettings())
    found = kernel(batch)
    assert found.column("text").to_pylist() == ["nothing 12", None, "", "电话：<PHONE>，x", "no"]
    assert found.column("pii").to_pylist() == [[], [], [], [{"kind": "phone", "start": 3, "end": 11}], []]
    assert found.schema.names == ["doc_id", "text", "n", "pii"]
    assert found.column("n").equals(batch.column("n"))
    # Not by how rows are batched, and with offsets that do not begin at 0.
    parts = [kernel(batch.slice(i, 1)) for i in range(5)]
    assert pa.Table.from_batches(parts).equals(pa.Table.from_batches([found]))
    assert kernel(batch.slice(0, 0)).schema == found.schema
    wide = batch.set_column(1, "text", batch.column("text").cast(pa.large_string()))
    assert kernel(wide).column("text").to_pylist() == found.column("text").to_pylist()
