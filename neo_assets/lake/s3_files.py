"""Files in a bucket: reading ranges of one, and writing one in a single put or, if it is large, in pieces."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

from neo_assets.lake.errors import StoreError
from neo_assets.lake.s3_errors import EndedError

if TYPE_CHECKING:
    from types import TracebackType

    from neo_assets.lake.s3 import Bucket

TAIL = 256 * 2**10
"""Bytes from the end that come with opening: a Parquet footer, or the whole of a small file."""
WRITE_PIECE = 16 * 2**20
"""Bytes of a piece of an upload; doubled every 2,000 pieces, of which a store takes 10,000."""
UNDER_WAY = 2
"""Pieces being sent while the next is filled."""


class ObjectReader:
    """A file-like object over ranges of one object. One request to open, one for each read outside the tail."""

    def __init__(self, bucket: Bucket, path: str) -> None:
        self._bucket, self._path, self._at = bucket, path, 0
        self._tail, self._size = bucket.read_range(path, f"-{TAIL}")
        self.closed = False

    def read(self, count: int = -1) -> bytes:
        """Up to `count` bytes from here on; all of them if negative."""
        start = self._at
        end = self._size if count is None or count < 0 else min(start + count, self._size)
        if start >= end:
            return b""
        self._at = end
        tail_start = self._size - len(self._tail)
        if start >= tail_start:
            return self._tail[start - tail_start : end - tail_start]
        if end > tail_start:
            return self._range(start, tail_start) + self._tail[: end - tail_start]
        return self._range(start, end)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to an offset from the start, from here, or from the end."""
        self._at = max(0, (0, self._at, self._size)[whence] + offset)
        return self._at

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def size(self) -> int:
        """Bytes in all."""
        return self._size

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def writable(self) -> bool:
        """It is not."""
        return False

    def flush(self) -> None:
        """There is nothing to write."""

    def close(self) -> None:
        """Forget the tail."""
        self.closed, self._tail = True, b""

    def _range(self, start: int, end: int) -> bytes:
        data, _ = self._bucket.read_range(self._path, f"{start}-{end - 1}")
        if len(data) != end - start:
            raise StoreError(f"{self._bucket.root}/{self._path}: the store gave {len(data)} of {end - start} bytes")
        return data


class ObjectWriter:
    """A writer: nothing is seen before it is closed, and nothing is left if an exception ends it.

    Memory: the piece being filled and those under way. A writer that is killed leaves an unfinished upload, which
    nobody sees and `Store.delete_folder` aborts.
    """

    def __init__(self, bucket: Bucket, path: str) -> None:
        self._bucket, self._path, self._size = bucket, path, 0
        self._pending = bytearray()
        self._upload: str | None = None
        self._begun_twice = False
        self._pool: ThreadPoolExecutor | None = None
        self._sent: list[dict[str, Any]] = []
        self._under_way: deque[Future[dict[str, Any]]] = deque()
        self._number = 0
        self.closed = False

    def write(self, data: Any) -> int:
        """Take over bytes; whole pieces are sent at once, from where they lie."""
        view = memoryview(data).cast("B")
        self._size += len(view)
        for piece in self._pieces(view):
            self._send(piece)
        return len(view)

    def tell(self) -> int:
        """Bytes written so far."""
        return self._size

    def writable(self) -> bool:
        """It is."""
        return True

    def flush(self) -> None:
        """Nothing is seen before the end."""

    def close(self) -> None:
        """Put the object in its place: one request for a small one.

        Raises:
            StoreError: the store did not take it; then nothing is there.
        """
        if self.closed:
            return
        try:
            if self._upload is None:
                self._bucket.ask("put_object", self._path, Body=bytes(self._pending))
            else:
                if self._pending:
                    self._send(bytes(self._pending))
                while self._under_way:
                    self._sent.append(self._under_way.popleft().result())
                self._complete(self._upload)
        except BaseException:
            self.abort()
            raise
        self._end()

    def abort(self) -> None:
        """Give up: what was sent is removed, as far as the store can be reached."""
        for future in self._under_way:
            future.cancel()
        upload = self._upload
        self._end()
        if upload is not None:
            try:
                self._bucket.abort_upload(self._path, upload)
            except StoreError:
                return  # it stays unseen, and is removed with the folder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        elif not self.closed:
            self.abort()

    def _pieces(self, view: memoryview) -> Iterator[bytes]:
        while True:
            size = WRITE_PIECE << (self._number // 2000)
            if len(self._pending) + len(view) <= size:  # the last piece is sent when closing
                self._pending += view
                return
            take = size - len(self._pending)
            piece = bytes(self._pending) + bytes(view[:take]) if self._pending else bytes(view[:take])
            self._pending.clear()
            view = view[take:]
            yield piece

    def _send(self, piece: bytes) -> None:
        if self._upload is None or self._pool is None:
            answer = self._bucket.ask("create_multipart_upload", self._path)
            self._upload = str(answer["UploadId"])
            self._begun_twice = answer["ResponseMetadata"].get("RetryAttempts", 0) > 0
            self._pool = ThreadPoolExecutor(UNDER_WAY)
        self._number += 1
        while len(self._under_way) >= UNDER_WAY:
            self._sent.append(self._under_way.popleft().result())
        self._under_way.append(self._pool.submit(self._send_now, self._upload, self._number, piece))

    def _send_now(self, upload: str, number: int, piece: bytes) -> dict[str, Any]:
        told = self._bucket.ask("upload_part", self._path, UploadId=upload, PartNumber=number, Body=piece)
        return {"PartNumber": number, "ETag": told["ETag"]}

    def _complete(self, upload: str) -> None:
        try:
            self._bucket.ask(
                "complete_multipart_upload", self._path, UploadId=upload, MultipartUpload={"Parts": self._sent}
            )
        except EndedError:
            # The answer to an earlier attempt may be lost: the upload has ended, and the object is there.
            if self._bucket.ask("head_object", self._path)["ContentLength"] != self._size:
                raise
        if self._begun_twice:  # an answer was lost, and so is the upload that it told of
            self._bucket.abort_uploads(self._path)

    def _end(self) -> None:
        self.closed = True
        self._pending.clear()
        self._upload = None
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
