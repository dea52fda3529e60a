from __future__ import annotations

import json
import queue
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from neo_assets.lake import fetched
from neo_assets.lake.fetched import FetchedVersion
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.model.train import channel, node
from neo_assets.model.train.channel import Channel, ChannelError, connected
from neo_assets.model.train.hub import Hub
from neo_assets.model.train.inputs import fetched_of, paths_of, version_of
from neo_assets.model.train.machines import Machines, MachinesError, addresses, listening


@pytest.fixture
def pair() -> Any:
    one, other = socket.socketpair(socket.AF_UNIX)
    end = Channel(_Quiet(one))
    yield end, other
    end.close()
    other.close()


class _Quiet:
    """A Unix socket that takes the options of TCP."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def setsockopt(self, *options: int) -> None:
        """Unix sockets have none of these."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def spec(tmp_path: Path, start: Path | None = None) -> dict[str, Any]:
    return {"chunks": {"0": str(tmp_path / "files/chunk.npy"), "1": "/nowhere"}, "start": start and str(start)}


def test_messages_arrive_whole_and_signs_of_life_are_none(pair: Any) -> None:
    end, other = pair
    other.sendall(b'{"say": "alive"}\n{"say": "segment", "text": "\xe4\xb8\xad')
    other.sendall(b'\xe6\x96\x87"}\n{"say": "end"}\n')
    assert end.receive() == {"say": "segment", "text": "中文"}
    assert end.receive() == {"say": "end"}
    end.send("hello", node=1)
    assert json.loads(other.recv(1000)) == {"say": "hello", "node": 1}
    other.close()
    with pytest.raises(ChannelError, match="has closed its connection: its process has died"):
        end.receive()
    end.send("hello")  # to nobody


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1\r\n", b"[]\n", b'{"say": 1}\n', b"\xff\n"])
def test_what_is_no_message_ends_the_channel(pair: Any, line: bytes) -> None:
    end, other = pair
    other.sendall(line)
    with pytest.raises(ChannelError, match="sends what is no message"):
        end.receive()


def test_a_machine_that_is_silent_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "SILENCE_SECONDS", 2.0)  # more than a busy machine is late
    monkeypatch.setattr(channel, "BEAT_SECONDS", 0.05)
    with listening("127.0.0.1", 0) as listener:
        mine = connected("127.0.0.1", listener.getsockname()[1], time.monotonic() + 5, lambda: True)
        other = Channel(listener.accept()[0])
    assert mine
    took: queue.SimpleQueue[Any] = queue.SimpleQueue()
    other.keep_alive()
    mine.follow(took.put)
    with pytest.raises(queue.Empty):
        took.get(timeout=3)  # signs of life keep it open
    other._closed.set()  # they stop, as those of a machine that froze do
    assert "has not been heard of for 2 seconds" in str(took.get(timeout=20))
    mine.close()
    other.close()


def test_strangers_at_the_door_do_no_harm() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    hub = Hub(Machines(2, 0, "127.0.0.1", port, wait_seconds=10))
    for said in (b"GET / HTTP/1.1\r\n\r\n", b"", b'{"say": "end"}\n', b"x" * 2**21):
        with socket.create_connection(("127.0.0.1", port)) as stranger:
            try:
                stranger.sendall(said)
            except OSError:  # it was shown the door
                continue
    own = connected("127.0.0.1", port, time.monotonic() + 5, lambda: True)
    assert own
    own.send("hello", node=1, nodes=2)
    hub.gather()
    second = connected("127.0.0.1", port, time.monotonic() + 5, lambda: True)
    assert second
    second.send("hello", node=1, nodes=2)
    assert second.receive()["why"] == "two machines say that they are node 1; give each its own NEO_NODE_RANK"
    with pytest.raises(MachinesError, match="two machines say that they are node 1"):
        hub.gather()
    hub.went_well = True
    hub.dismiss()
    assert own.receive() == {"say": "end", "ok": True}
    own.close()
    second.close()


def test_only_the_host_s_own_address_is_listened_at(monkeypatch: pytest.MonkeyPatch) -> None:
    from neo_assets.model.train import machines

    assert addresses("no-such-host.invalid", 1) == []
    with listening("localhost", 0) as listener:
        assert listener.getsockname()[0] in {"127.0.0.1", "::1"}
        with pytest.raises(MachinesError, match=r"cannot be listened at .*in use.*; set another port"):
            listening(listener.getsockname()[0], listener.getsockname()[1])
    monkeypatch.setattr(machines, "addresses", lambda host, port: ["192.0.2.1"])
    with listening("service.in.front", 0) as listener:
        assert listener.getsockname()[0] == "0.0.0.0"  # noqa: S104


def test_what_an_object_store_holds_is_fetched_by_every_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, folder = Lake(str(tmp_path / "lake")), tmp_path / "fetched/version"
    writer = lake.writer("training/chunk", "chunk_001")
    writer.file("chunk.npy", b"tokens")
    manifest = writer.commit(Provenance()).manifest
    (tmp_path / "fetched").mkdir(mode=0o700)
    version = FetchedVersion(lake.store, str(folder), tuple(manifest.files.items()))
    other = FetchedVersion(lake.store, str(tmp_path / "fetched/other"), ())
    monkeypatch.setattr(fetched, "_fetched", {v.folder: v for v in (version, other)})
    version.ensure()
    given = {"chunks": {"0": str(folder / "chunk.npy"), "1": "/nowhere"}, "start": None}
    assert paths_of(given) == [folder / "chunk.npy"]
    told = json.loads(json.dumps(fetched_of(given)))
    (folder / "chunk.npy").unlink()  # as on the other machine
    [same] = map(version_of, told)
    assert same == version
    monkeypatch.setattr(fetched, "_fetched", {})
    fetched.ensure_fetched([same])
    assert (folder / "chunk.npy").read_bytes() == b"tokens"


def test_a_disk_that_is_not_shared_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "SEEN_SECONDS", 0.0)
    assert node._hidden([tmp_path]) is None
    assert node._hidden([tmp_path, tmp_path / "other"]) == tmp_path / "other"


def test_a_node_says_what_is_wrong_with_its_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(node.signal, "signal", lambda number, action: None)
    assert node.run({}) == node.run({"NEO_NODES": "2", "NEO_NODE_RANK": "0", "NEO_RENDEZVOUS": "a:1"}) == 1
    assert capsys.readouterr().err.count("this is node 0: the job itself runs here") == 2
    assert node.run({"NEO_NODES": "2"}) == 1
    assert "NEO_NODE_RANK must be a whole number" in capsys.readouterr().err
