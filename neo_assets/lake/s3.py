"""A root in a bucket of an S3-compatible object store, by boto3: whole objects, ranges, uploads, conditional puts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
from botocore.exceptions import ClientError
from pyarrow import fs

from neo_assets.lake import s3_client
from neo_assets.lake.ahead import ahead
from neo_assets.lake.backend import ANY, ChangedError, Entry, Expected, Tagged
from neo_assets.lake.errors import StoreError
from neo_assets.lake.s3_errors import CHANGED, CONCURRENT, EndedError, OutOfRangeError, code_of, told

THREADS = 4
"""Ranges of one object under way at once."""
PIECE = 16 * 2**20
"""Bytes of a range of a large download."""


class Bucket:
    """`s3://bucket/prefix`; `?region=…&endpoint_override=…&scheme=…` in place of what the environment says.

    Raises:
        StoreError: the root is none of these.
    """

    def __init__(self, root: str) -> None:
        self.root = root.split("?")[0].rstrip("/")
        parts = urlsplit(root)
        if "@" in parts.netloc:
            raise StoreError("s3://…: no keys in the root, which is shown and recorded; put them in the environment")
        self._options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        if unknown := sorted(self._options.keys() - {"region", "endpoint_override", "scheme"}):
            raise StoreError(f"{self.root}: unknown option {unknown[0]!r}; there are region, endpoint_override, scheme")
        self.bucket, self.prefix = parts.netloc, parts.path.strip("/")
        if not self.bucket:
            raise StoreError(f"{root}: names no bucket; give s3://bucket/prefix")
        self._is_conditional = False

    @property
    def is_local(self) -> bool:
        """Files cannot be opened by path."""
        return False

    @property
    def client(self) -> Any:
        """The boto3 client, as the environment now says: other credentials are another client."""
        endpoint = self._options.get("endpoint_override")
        if endpoint and "://" not in endpoint:
            endpoint = f"{self._options.get('scheme', 'https')}://{endpoint}"
        return s3_client.client_for(self._options.get("region"), endpoint, s3_client.environment())

    @cached_property
    def filesystem(self) -> fs.FileSystem:
        """The bucket as an Arrow file system, for scans; it reads through this client too."""
        from neo_assets.lake.s3_filesystem import BucketFiles

        return fs.PyFileSystem(BucketFiles(self))

    def absolute(self, path: str) -> str:
        """`bucket/prefix/path`."""
        return "/".join(part for part in (self.bucket, self.prefix, path) if part)

    def key(self, path: str) -> str:
        """The object's key."""
        return f"{self.prefix}/{path}" if self.prefix else path

    def ask(self, operation: str, path: str, **arguments: Any) -> Any:
        """One request about an object.

        Raises:
            FileNotFoundError: there is no such object.
            StoreError: the request failed; see `s3_errors`.
        """
        with told(f"{self.root}/{path}", self.bucket):
            return getattr(self.client, operation)(Bucket=self.bucket, Key=self.key(path), **arguments)

    def exists(self, path: str) -> bool:
        """Whether an object, or one below it, is there."""
        try:
            self.ask("head_object", path)
        except FileNotFoundError:
            return bool(next(self._pages(path, MaxKeys=1)).get("KeyCount"))
        return True

    def read(self, path: str) -> Tagged:
        """The whole object and its ETag: one request."""
        data, answer = self._body(path)
        return Tagged(data, answer["ETag"])

    def read_range(self, path: str, given: str, **arguments: Any) -> tuple[bytes, int]:
        """The bytes of a range (`0-99`, `-100` for the last), and the size of the whole object: one request."""
        try:
            data, answer = self._body(path, Range=f"bytes={given}", **arguments)
        except OutOfRangeError:  # of an empty object
            return b"", 0
        return data, int(answer["ContentRange"].rpartition("/")[2]) if "ContentRange" in answer else len(data)

    def blocks(self, path: str) -> Iterator[bytes]:
        """The object's bytes in order, in ranges of which some are under way at once."""
        first, size = self.read_range(path, f"0-{PIECE - 1}")
        yield first
        if size > len(first):
            with ThreadPoolExecutor(THREADS) as pool:
                ranges = (f"{start}-{min(start + PIECE, size) - 1}" for start in range(len(first), size, PIECE))
                yield from ahead(pool, lambda given: self.read_range(path, given)[0], ranges, THREADS)

    def open(self, path: str) -> pa.NativeFile:
        """A random-access reader that asks for ranges; the end of the object comes with opening it."""
        from neo_assets.lake.s3_files import ObjectReader

        return pa.PythonFile(ObjectReader(self, path), mode="r")

    def create(self, path: str) -> Any:
        """A writer; in pieces beyond a size."""
        from neo_assets.lake.s3_files import ObjectWriter

        return ObjectWriter(self, path)

    def replace(self, path: str, data: bytes, expected: Expected) -> str:
        """Put the object if it is as expected; gives its ETag.

        An answer can get lost after the store has done what it was asked, and the attempt that follows then meets our
        own bytes: that is a success.

        Raises:
            ChangedError: the object is not what was expected.
            StoreError: the request failed, or the store does not know conditional puts.
        """
        condition: dict[str, str] = {}
        if expected is not ANY:
            self._check_conditional()
            condition = {"IfNoneMatch": "*"} if expected is None else {"IfMatch": str(expected)}
        place = f"{self.root}/{path}"
        try:
            with told(place, self.bucket):
                answer = self._put(self.key(path), data, condition)
        except (ChangedError, FileNotFoundError):
            try:
                found = self.read(path)
            except FileNotFoundError:
                raise ChangedError(f"{place} was removed meanwhile") from None
            if found.data != data:
                raise ChangedError(f"{place} was replaced meanwhile") from None
            return found.tag
        return str(answer["ETag"])

    def listing(self, path: str, unfinished: bool = False) -> Iterator[Entry]:
        """Every object below a folder, a thousand a request."""
        for page in self._pages(path):
            for found in page.get("Contents", []):
                yield Entry(self._relative(found["Key"]), found["LastModified"])
        if unfinished:
            for upload in self._uploads(self._folder(path)):
                yield Entry(self._relative(upload["Key"]), upload["Initiated"])

    def folders(self, path: str) -> list[str]:
        """The names of the folders directly in a folder, sorted."""
        found = (p["Prefix"] for page in self._pages(path, Delimiter="/") for p in page.get("CommonPrefixes", []))
        return sorted(prefix.rstrip("/").rpartition("/")[2] for prefix in found)

    def delete_folder(self, path: str) -> None:
        """Remove every object below a folder, and abort every upload."""
        for page in self._pages(path):
            keys = [{"Key": found["Key"]} for found in page.get("Contents", [])]
            if keys:
                with told(f"{self.root}/{path}", self.bucket):
                    gone = self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": keys, "Quiet": True})
                for failed in gone.get("Errors", []):
                    raise StoreError(f"{self.root}: {failed['Key']} was not deleted: {failed['Code']}")
        self.abort_uploads(f"{path}/" if path else "")

    def abort_uploads(self, path: str) -> None:
        """Abort the unfinished uploads of an object, or of all below a folder whose path ends in `/`."""
        for upload in self._uploads(self.key(path)):
            self.abort_upload(self._relative(upload["Key"]), upload["UploadId"])

    def abort_upload(self, path: str, upload: str) -> None:
        """Abort an unfinished upload; one that has ended is no error."""
        try:
            self.ask("abort_multipart_upload", path, UploadId=upload)
        except EndedError:
            return

    def _relative(self, key: str) -> str:
        return key.removeprefix(f"{self.prefix}/") if self.prefix else key

    def _folder(self, path: str) -> str:
        key = self.key(path).rstrip("/")
        return f"{key}/" if key else ""

    def _pages(self, path: str, **arguments: Any) -> Iterator[Mapping[str, Any]]:
        with told(f"{self.root}/{path}", self.bucket):
            pages = self.client.get_paginator("list_objects_v2")
            yield from pages.paginate(Bucket=self.bucket, Prefix=self._folder(path), **arguments)

    def _uploads(self, prefix: str) -> Iterator[Mapping[str, Any]]:
        with told(f"s3://{self.bucket}/{prefix}", self.bucket):
            pages = self.client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self.bucket, Prefix=prefix):
                yield from page.get("Uploads", [])

    def _body(self, path: str, **arguments: Any) -> tuple[bytes, Any]:
        def get() -> tuple[bytes, Any]:
            answer = self.client.get_object(Bucket=self.bucket, Key=self.key(path), **arguments)
            with answer["Body"] as body:
                return body.read(), answer

        with told(f"{self.root}/{path}", self.bucket):
            return s3_client.again(get)

    def _put(self, key: str, data: bytes, condition: Mapping[str, str]) -> Any:
        attempts = s3_client.attempts()
        for attempt in range(attempts):
            try:
                return self.client.put_object(Bucket=self.bucket, Key=key, Body=data, **condition)
            except ClientError as error:
                if code_of(error) in CHANGED:
                    raise ChangedError(key) from error
                if code_of(error) not in CONCURRENT or attempt + 1 == attempts:
                    raise
                s3_client.pause(attempt)
        raise ChangedError(key)

    def _check_conditional(self) -> None:
        """Some stores ignore conditions (OpenStack Swift's `If-Match` is one): ask for one that never holds, once.

        Raises:
            StoreError: it was ignored, so two writers of one partition could not be told apart.
        """
        if self._is_conditional:
            return
        path = ".conditional"
        try:
            with told(f"{self.root}/{path}", self.bucket):
                self._put(self.key(path), b"", {"IfMatch": f'"{"0" * 32}"'})
        except (ChangedError, FileNotFoundError):
            self._is_conditional = True
            return
        self.ask("delete_object", path)
        raise StoreError(
            f"{self.root}: the store ignores If-Match, so a commit could undo another; use one that knows it"
        )
