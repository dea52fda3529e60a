from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from email.utils import formatdate
from typing import Any

import pytest
from pydantic import ValidationError

from neo_assets.judges.cache import AnswerCache
from neo_assets.judges.chat import ChatJudge
from neo_assets.judges.model import Judge, JudgeRequest
from neo_assets.judges.settings import ChatSettings
from neo_assets_tests.judges.server import Reply, chat, prompt, said

KEY = "sk-very-secret-0123456789"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NEO_JUDGE_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def judge(url: str, cache: AnswerCache | None = None, waits: list[float] | None = None, **more: Any) -> ChatJudge:
    settings = ChatSettings(endpoint=url, model="small", **{"timeout_seconds": 5, "threads": 3, **more})
    return ChatJudge(settings, cache, wait=(waits if waits is not None else []).append)


def questions(count: int) -> list[JudgeRequest]:
    return [JudgeRequest(f"r{number}", f"question {number}", "be brief") for number in range(count)]


def test_every_request_has_its_answer_in_order():
    def loud(body: dict[str, Any], number: int) -> Reply:
        time.sleep(0.01 + 0.02 * (number % 3 == 0))
        return said(prompt(body).upper())

    with chat(loud) as server:
        asked = judge(server.url)
        assert isinstance(asked, Judge)
        found = list(asked.ask(questions(40)))
    assert [(one.id, one.text) for one in found] == [(f"r{n}", f"QUESTION {n}") for n in range(40)]
    assert {(one.prompt_tokens, one.answer_tokens, one.attempts, one.error) for one in found} == {(7, 3, 1, None)}
    assert server.bodies[0]["messages"][0] == {"role": "system", "content": "be brief"}
    assert server.bodies[0]["temperature"] == 0
    assert 1 < server.most_together <= 3


def test_requests_are_taken_as_they_are_needed():
    taken = 0

    def coming():
        nonlocal taken
        for one in questions(1000):
            taken += 1
            yield one

    with chat(lambda body, number: said("yes")) as server:
        found = judge(server.url).ask(coming())
        next(found)
        assert taken <= 13
        found.close()
        assert len(server.bodies) <= 13


def test_a_second_run_pays_only_for_what_is_missing(tmp_path):
    cache = AnswerCache(tmp_path)
    with chat(lambda body, number: said(prompt(body)) if prompt(body) != "question 2" else Reply(400)) as server:
        first = list(judge(server.url, cache).ask(questions(5)))
        assert [one.error for one in first] == [None, None, "status: 400", None, None]
        assert len(server.bodies) == 5
    with chat(lambda body, number: said("now")) as server:
        second = list(judge(server.url, cache).ask(questions(6)))
        assert sorted(map(prompt, server.bodies)) == ["question 2", "question 5"]
    assert [one.attempts for one in second] == [0, 0, 1, 0, 0, 1]
    assert [one.text for one in second] == ["question 0", "question 1", "now", "question 3", "question 4", "now"]
    assert [one.digest for one in second[:5]] == [one.digest for one in first]
    assert not list(tmp_path.rglob(".*"))


def test_another_wording_or_model_is_another_question(tmp_path):
    one = JudgeRequest("a", "p", "s", "1")
    others = [JudgeRequest("a", "p", "s", "2"), JudgeRequest("a", "q", "s", "1"), JudgeRequest("a", "p", "t", "1")]
    others_digests = [other.digest("chat", "m", {}) for other in others]
    digests = {
        one.digest("chat", "m", {}),
        one.digest("chat", "n", {}),
        one.digest("chat", "m", {"seed": 1}),
        *others_digests,
    }
    assert len(digests) == 6
    assert JudgeRequest("b", "p", "s", "1").digest("chat", "m", {}) == one.digest("chat", "m", {})


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"digest": 3}', '{"text": "x"}'])
def test_a_damaged_stored_answer_is_asked_again(tmp_path, damage):
    cache = AnswerCache(tmp_path)
    with chat(lambda body, number: said(f"answer {number}")) as server:
        list(judge(server.url, cache).ask(questions(1)))
        (path,) = tmp_path.rglob("*.json")
        path.write_text(damage)
        (found,) = judge(server.url, cache).ask(questions(1))
        assert (found.text, found.attempts) == ("answer 1", 1)
        (found,) = judge(server.url, cache).ask(questions(1))
        assert (found.text, found.attempts) == ("answer 1", 0)


def test_equal_questions_under_way_are_asked_once():
    def slowly(body: dict[str, Any], number: int) -> Reply:
        time.sleep(0.1)
        return said("same")

    with chat(slowly) as server:
        found = list(judge(server.url).ask([JudgeRequest(f"r{n}", "the same") for n in range(6)]))
        assert len(server.bodies) == 1
    assert [one.id for one in found] == [f"r{n}" for n in range(6)]
    assert [one.attempts for one in found] == [1, 0, 0, 0, 0, 0]
    assert {one.text for one in found} == {"same"}


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_a_server_asks_for_is_kept(status):
    seen: Counter[str] = Counter()

    def limited(body: dict[str, Any], number: int) -> Reply:
        seen[prompt(body)] += 1
        return said("in") if seen[prompt(body)] > 1 else Reply(status, headers={"Retry-After": "7"})

    waits: list[float] = []
    with chat(limited) as server:
        found = list(judge(server.url, waits=waits, threads=1).ask(questions(2)))
    assert [(one.text, one.attempts) for one in found] == [("in", 2), ("in", 2)]
    assert 6 < waits[0] <= 7


def test_a_wait_until_a_date_and_beyond_the_limit():
    date = formatdate(time.time() + 50, usegmt=True)
    replies = [
        Reply(status, headers={"Retry-After": value}) for status, value in ((429, date), (429, "9999"), (503, "soon"))
    ]
    waits: list[float] = []
    with chat(lambda body, number: (*replies, said("in"))[number]) as server:
        (found,) = judge(server.url, waits=waits, max_wait_seconds=60).ask(questions(1))
    assert (found.text, found.attempts) == ("in", 4)
    assert any(45 < one <= 50 for one in waits) and any(59 < one <= 60 for one in waits) and 4.0 in waits


def test_waits_double_and_attempts_end():
    waits: list[float] = []
    with chat(lambda body, number: Reply(500, b"broken")) as server:
        (found,) = judge(server.url, waits=waits, max_attempts=4).ask(questions(1))
        assert len(server.bodies) == 4
    assert waits == [1, 2, 4]
    assert (found.text, found.error, found.raw, found.attempts) == (None, "status: 500", "broken", 4)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"{}", b"[]", b"null", b'{"choices": []}', b'{"choices": [{"message": {"content": null}}]}',
        b'{"choices": [{"message": {"content": ["a"]}}]}', b'{"choices": {"0": 1}}', b"\xff\xfe", b"[" * 100_000,
        b'{"choices": [{"message": {"content": "a"}}], "usage": {"prompt_tokens": "many"}}',
    ],
)  # fmt: skip
def test_a_malformed_answer_is_a_failed_judgement(body, tmp_path):
    with chat(lambda given, number: Reply(body=body) if prompt(given) == "question 1" else said("fine")) as server:
        found = list(judge(server.url, AnswerCache(tmp_path), max_attempts=2).ask(questions(3)))
    assert [one.text for one in found] == ["fine", None, "fine"]
    assert found[1].error == "malformed: the answer is no chat completion"
    assert found[1].attempts == 2
    assert len(list(tmp_path.rglob("*.json"))) == 2


def test_an_answer_that_was_cut_off_or_refused_by_the_check():
    def check(text: str) -> None:
        if text != "yes":
            raise ValueError("neither yes nor no")

    replies = {
        "question 0": said("yes"),
        "question 1": said("perhaps"),
        "question 2": said("y", finish_reason="length"),
    }
    with chat(lambda body, number: replies[prompt(body)]) as server:
        found = list(judge(server.url).ask(questions(3), check))
    assert [one.text for one in found] == ["yes", None, None]
    assert found[1].error == "refused: neither yes nor no" and "perhaps" in found[1].raw
    assert found[2].error == "malformed: the answer was cut off; raise max_answer_tokens"


def test_a_slow_server_costs_its_time_and_no_more():
    stop = threading.Event()

    def slow(body: dict[str, Any], number: int) -> Reply:
        if prompt(body) == "question 1":
            stop.wait(10)
        return said("fine")

    with chat(slow) as server:
        started = time.monotonic()
        found = list(judge(server.url, timeout_seconds=0.3, max_attempts=2).ask(questions(3)))
        assert time.monotonic() - started < 4
        stop.set()
    assert [one.text for one in found] == ["fine", None, "fine"]
    assert found[1].error == "timeout: no answer in 0.3 s"


def test_a_trickling_answer_is_cut_off():
    listener = socket.create_server(("127.0.0.1", 0))

    def trickle() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            try:
                for _ in range(60):
                    connection.sendall(b"x")
                    time.sleep(0.05)
            except OSError:
                return

    thread = threading.Thread(target=trickle)
    thread.start()
    started = time.monotonic()
    (found,) = judge(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_seconds=0.4, max_attempts=1).ask(
        questions(1)
    )
    assert time.monotonic() - started < 2
    assert found.error is not None and found.error.startswith("timeout:")
    thread.join()
    listener.close()


def test_an_answer_beyond_the_size_is_not_read():
    with chat(lambda body, number: Reply(body=b"x" * 300_000)) as server:
        (found,) = judge(server.url, max_answer_bytes=100_000).ask(questions(1))
    assert found.error == "malformed: the answer has more than 100000 bytes"
    assert found.attempts == 1


def test_a_packed_answer_is_refused():
    with chat(lambda body, number: Reply(body=b"xx", headers={"Content-Encoding": "gzip"})) as server:
        (found,) = judge(server.url).ask(questions(1))
    assert found.error == "malformed: the answer is compressed, which was not asked for"


def test_a_server_that_is_down_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    found = list(judge(url, max_attempts=2, give_up_after=3, threads=1).ask(questions(20)))
    assert [one.id for one in found] == [f"r{n}" for n in range(20)]
    assert [one.error for one in found[:3]] == ["connection: ConnectionError"] * 3
    assert {one.attempts for one in found[:3]} == {2}
    assert {(one.attempts, (one.error or "").split(":")[0]) for one in found[3:]} == {(0, "unavailable")}


def test_the_budget_is_never_exceeded():
    with chat(lambda body, number: said("x") if number % 3 else Reply(500)) as server:
        asked = judge(server.url, max_requests=10, threads=4)
        found = list(asked.ask(questions(30)))
        assert len(server.bodies) == 10
    assert asked.requests_left == 0
    assert len(found) == 30 and sum(one.attempts for one in found) == 10
    without = [one for one in found if one.attempts == 0]
    assert {one.error for one in without} == {"budget: no request is left; raise max_requests and run again"}


def test_a_redirect_is_not_followed(monkeypatch):
    monkeypatch.setenv("NEO_JUDGE_API_KEY", KEY)
    with chat(lambda body, number: said("stolen")) as other:
        with chat(lambda body, number: Reply(307, headers={"Location": other.url})) as server:
            (found,) = judge(server.url).ask(questions(1))
        assert other.bodies == []
    assert found.error == "redirect: status 307 is not followed; set the endpoint to where the server is"


def test_the_key_is_sent_and_nowhere_else(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("NEO_JUDGE_API_KEY", KEY)
    caplog.set_level("DEBUG")

    def leaky(body: dict[str, Any], number: int) -> Reply:
        text = f"your key is {KEY}"
        return said(text) if prompt(body) == "question 0" else Reply(401, text.encode())

    with chat(leaky) as server:
        asked = judge(server.url, AnswerCache(tmp_path))
        found = list(asked.ask(questions(2)))
        assert {one["Authorization"] for one in server.headers} == {f"Bearer {KEY}"}
    kept = "".join(path.read_text() for path in tmp_path.rglob("*.json"))
    seen = [repr(asked), repr(asked.__dict__), repr(found), json.dumps([one.row() for one in found]), caplog.text, kept]
    assert not any(KEY in text for text in seen)
    assert found[0].text == "your key is [key]"
    assert "[key]" in found[1].raw


def test_without_a_key_nothing_is_sent_even_with_netrc(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with chat(lambda body, number: said("x")) as server:
        list(judge(server.url).ask(questions(1)))
        assert "Authorization" not in server.headers[0]


@pytest.mark.parametrize(
    "endpoint",
    [
        "file:///etc/passwd",
        "ftp://x/y",
        "http://",
        "x",
        "http://user:pw@host/v1",
        "http://host/v1?key=1",
        "https://h/#a",
    ],
)
def test_an_endpoint_that_is_not_plain_http_is_refused(endpoint):
    with pytest.raises(ValidationError, match="endpoint"):
        ChatSettings(endpoint=endpoint, model="m")
