"""The two ways of a log: every line once, in order, whatever the stream brings."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.compute.kubernetes.logs import JobLog
from neo_assets.jobs.channel import NOTE_PREFIX, POSITION_PREFIX, Channel
from neo_assets.lake.store import Store


@given(st.data())
def test_every_line_is_shown_once_and_in_order(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 30))
    lines = [f"line {number}" for number in range(count)]
    channel = Channel(Store(str(tmp_path_factory.mktemp("log"))), "pod")
    shown: list[str] = []
    log = JobLog(channel, shown.append)
    stored = chunks = 0
    for _ in range(data.draw(st.integers(0, 12))):
        match data.draw(st.sampled_from(["store", "read", "stream", "cut"])):
            case "store":
                end = data.draw(st.integers(stored, count))
                if end > stored:
                    channel.put_log(chunks, lines[stored:end])
                    stored, chunks = end, chunks + 1
            case "read":
                log.from_store()
                assert len(shown) >= stored
            case "stream":  # some stretch, known by a mark or not
                begin = data.draw(st.integers(0, count))
                if data.draw(st.booleans()):
                    log.from_stream(f"{POSITION_PREFIX}{begin}")
                    for line in lines[begin : data.draw(st.integers(begin, count))]:
                        log.from_stream(line)
                else:
                    log.cut()
                    log.from_stream(lines[begin] if begin < count else "of somebody else")
            case "cut":
                log.cut()
        assert shown == lines[: len(shown)]
    if stored < count:
        channel.put_log(chunks, lines[stored:])
    log.from_store()
    assert shown == lines


def test_what_the_pod_says_itself_is_shown_and_not_counted(tmp_path: Path) -> None:
    shown: list[str] = []
    log = JobLog(Channel(Store(str(tmp_path)), "pod"), shown.append)
    for line in ("noise", f"{POSITION_PREFIX}0", "a", f"{NOTE_PREFIX}the lake is away", "b"):
        log.from_stream(line)
    assert shown == ["a", "the lake is away", "b"] and log.shown == 2 and list(log.unplaced) == ["noise"]
    assert log.is_live
