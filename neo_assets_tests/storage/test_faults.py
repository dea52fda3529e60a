"""What an ailing object store does to a lake: what passes by itself, what is told in one line, and no damage ever."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest

from neo_assets.lake import s3_client, s3_errors
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.store import CommitConflictError, Store, StoreError, UnavailableError
from neo_assets_tests.storage.proxy import Proxy, Request

DOCUMENTS = pa.table({"doc_id": [f"d{i:04d}" for i in range(1000)]})


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Botocore's and our own pauses between attempts, shortened."""
    monkeypatch.setattr(s3_client, "pause", lambda attempt: None)
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda self, context: 0.01)


def committed(lake: Lake, rows: int = 1000) -> None:
    writer = lake.writer("area/name", None)
    writer.table(DOCUMENTS.slice(0, rows), part_rows=300)
    writer.commit(Provenance())


@pytest.mark.parametrize("harm", ["503", "cut", "lost"])
def test_every_other_request_fails_and_nobody_notices(root: str, proxy: Proxy, harm: str) -> None:
    lake = Lake(root)
    proxy.harm = lambda request: harm if request.number % 2 == 0 else None
    committed(lake, 500)
    committed(lake)
    assert lake.dataset("area/name").verified().read() == DOCUMENTS
    assert len(list(lake.garbage())) == 1
    with lake.store.create("area/name/_/v/files/large") as stream:
        stream.write(b"x" * 40_000_000)
    assert b"".join(lake.store.blocks("area/name/_/v/files/large")) == b"x" * 40_000_000
    assert len(list(lake.store.listing("area/name/_/v", unfinished=True))) == 1
    lake.store.delete_folder("area")
    assert lake.assets() == []


def test_a_store_that_stays_overloaded_is_told(root: str, proxy: Proxy) -> None:
    lake = Lake(root)
    committed(lake, 500)
    proxy.forget()
    proxy.harm = lambda request: "503"
    for call in (lake.assets, lambda: lake.manifest("area/name", None), lambda: committed(lake)):
        with pytest.raises(UnavailableError, match=r"answered SlowDown 5 times \(Please reduce .*\); try again later$"):
            call()
    assert proxy.counts() == {"LIST": 5, "GET": 10}
    proxy.forget()
    assert lake.dataset("area/name").read() == DOCUMENTS.slice(0, 500)


def test_silence_has_an_end(root: str, proxy: Proxy, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NEO_S3_TIMEOUT_SECONDS", "0.3")
    environment.setenv("AWS_MAX_ATTEMPTS", "2")
    lake = Lake(root)
    committed(lake)
    proxy.silence_seconds = 3.0
    proxy.harm = lambda request: "silence"
    started = time.monotonic()
    with pytest.raises(UnavailableError, match=r"no whole answer, after several attempts \(Read timeout") as error:
        lake.manifest("area/name", None)
    assert "\n" not in str(error.value)
    assert time.monotonic() - started < 3
    proxy.forget()
    assert lake.dataset("area/name").read() == DOCUMENTS


def test_answers_that_always_break_off_are_told(root: str, proxy: Proxy) -> None:
    lake = Lake(root)
    committed(lake)
    proxy.harm = lambda request: "cut"
    with pytest.raises(UnavailableError, match="no whole answer, after several attempts"):
        lake.manifest("area/name", None)


def is_commit(request: Request) -> bool:
    return request.method == "PUT" and request.path.endswith("/area/name/_/manifest.json")


def test_a_commit_whose_answer_is_lost_is_a_commit(root: str, proxy: Proxy) -> None:
    lake = Lake(root)
    committed(lake, 500)
    proxy.forget()
    lost: list[int] = []

    def harm(request: Request) -> str | None:
        if is_commit(request) and not lost:
            lost.append(request.number)
            return "lost"
        return None

    proxy.harm = harm
    committed(lake)
    assert lost and len([r for r in proxy.seen if is_commit(r)]) == 2
    assert lake.dataset("area/name").verified().read() == DOCUMENTS


def test_a_commit_of_which_we_hear_nothing_is_not_thrown_away(root: str, proxy: Proxy) -> None:
    """All answers to the commit are lost: the writer fails, but what it wrote is in force and must stay."""
    lake = Lake(root)
    committed(lake, 500)
    proxy.harm = lambda request: "lost" if is_commit(request) else None
    writer = lake.writer("area/name", None)
    writer.table(DOCUMENTS)
    with pytest.raises(UnavailableError):
        writer.commit(Provenance())
    writer.discard()
    assert lake.dataset("area/name").verified().read() == DOCUMENTS


def test_a_failed_write_is_discarded(root: str, proxy: Proxy) -> None:
    lake = Lake(root)
    committed(lake, 500)
    writer = lake.writer("area/name", None)
    proxy.harm = lambda request: "503" if "part-00002" in request.path else None
    with pytest.raises(UnavailableError, match=r"rows/part-00002.parquet: the store answered SlowDown"):
        writer.table(DOCUMENTS, part_rows=300)
    writer.discard()
    proxy.forget()
    assert list(lake.garbage()) == []
    assert lake.dataset("area/name").verified().read() == DOCUMENTS.slice(0, 500)


def test_a_store_that_ignores_conditions_is_refused(root: str, proxy: Proxy, environment: pytest.MonkeyPatch) -> None:
    """OpenStack Swift 2.38 is one: its s3api puts the object whatever `If-Match` says."""
    from neo_assets.lake.s3 import Bucket

    put = Bucket._put
    environment.setattr(Bucket, "_put", lambda self, key, data, condition: put(self, key, data, {}))
    with pytest.raises(StoreError, match="the store ignores If-Match, so a commit could undo another"):
        committed(Lake(root))
    assert Lake(root).manifest("area/name", None) is None
    assert not Store(root).exists(".conditional")


def test_a_conflict_of_the_store_s_own_is_tried_again(root: str, environment: pytest.MonkeyPatch) -> None:
    """`409 ConditionalRequestConflict`: another request changed the object at the same instant; AWS says: try again."""
    from botocore.exceptions import ClientError

    lake = Lake(root)
    committed(lake, 500)
    client, met = lake.store._backend().client, []  # type: ignore[attr-defined]
    plain = client.put_object

    def put_object(**arguments: object) -> object:
        if "IfMatch" in arguments and len(met) < 2:
            met.append(arguments)
            raise ClientError({"Error": {"Code": next(iter(s3_errors.CONCURRENT))}}, "PutObject")
        return plain(**arguments)

    environment.setattr(client, "put_object", put_object)
    committed(lake)
    assert len(met) == 2
    assert lake.dataset("area/name").read() == DOCUMENTS


def test_the_loser_learns_of_the_winner(root: str) -> None:
    lake = Lake(root)
    first, second = lake.writer("area/name", None), lake.writer("area/name", None)
    first.table(DOCUMENTS)
    second.table(DOCUMENTS.slice(1))
    first.commit(Provenance())
    message = rf"area/name: another writer committed {first.version} .*that version is in force and whole"
    with pytest.raises(CommitConflictError, match=message):
        second.commit(Provenance())
    second.discard()
    assert list(lake.garbage()) == []
    assert lake.dataset("area/name").verified().read() == DOCUMENTS
