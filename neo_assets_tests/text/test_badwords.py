"""Reading lists of terms."""

from __future__ import annotations

from pathlib import Path

import pytest

from neo_assets.text.badwords import load_terms, read_terms
from neo_assets_tests.text.batches import SEED


def test_the_seed_lists_are_read_whole() -> None:
    assert len(read_terms(SEED / "lists/ldnoobw.en.json")) == 403  # npm naughty-words 1.2.0
    assert len(read_terms(SEED / "lists/ldnoobw.zh.json")) == 319
    # MAP-Neo's English stop words are 570 too; RedPajama-V2 and it have them from the SMART list
    assert len(set(read_terms(SEED / "lists/stopwords.en.json"))) == 570
    stop_words = set(read_terms(SEED / "lists/stopwords.zh.json"))
    assert {"这个", "這個", "因为", "因為", "的", "们", "們"} <= stop_words
    assert not stop_words & {"。", "１", ""}
    gopher = read_terms(SEED / "lists/stopwords.gopher.en.json")
    assert gopher == ("the", "be", "to", "of", "and", "that", "have", "with")


def test_one_term_a_line_or_json(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\ufeffone\r\n\n two words \n#tag\n成人", encoding="utf-8")
    (tmp_path / "b.json").write_text('["one", "三"]', encoding="utf-8")
    assert read_terms(tmp_path / "a.txt") == ("one", "two words", "#tag", "成人")
    assert load_terms(["a.txt", str(tmp_path / "b.json")], tmp_path) == ("one", "two words", "#tag", "成人", "三")
    assert load_terms([], tmp_path) == ()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b'{"a": 1}', "JSON list"),
        ("a.json", b'["a", ""]', "JSON list"),
        ("a.json", b'["a"', "JSON list"),
        ("a.txt", b"\xff\xfe", "UTF-8"),
        (None, b"", "cannot read the list"),
    ],
)
def test_a_bad_list_says_what_is_wrong(tmp_path: Path, name: str | None, content: bytes, message: str) -> None:
    if name:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_terms(tmp_path / (name or "absent.txt"))
