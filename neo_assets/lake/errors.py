"""What can be wrong with a root, a record in it, or the service behind it; one line each, saying what to do."""

from __future__ import annotations

from urllib.parse import unquote


class StoreError(RuntimeError):
    """A root or a record in it that cannot be used: says which, and what to do."""


class AccessError(StoreError):
    """The store knows us, but not like this: a wrong or missing key or secret, or no permission."""


class MissingBucketError(StoreError):
    """The bucket of an `s3://` root is not there, or not any more."""


class UnavailableError(StoreError):
    """The store does not answer, answers too slowly, or is overloaded, also after several attempts."""


class CommitConflictError(StoreError):
    """Another writer committed the same partition while this one was at work; nothing is damaged."""


class DamagedError(StoreError):
    """A committed file that is missing, or no longer holds the bytes that its manifest records.

    Args:
        path: the file, `area/name/partition/version/…` relative to the root.
        fault: what is wrong with it.
    """

    def __init__(self, path: str, fault: str) -> None:
        self._given = path, fault
        area, name, folder, _, file = path.split("/", 4)
        asset, partition = f"{area}/{name}", unquote(folder)
        only = "" if partition == "_" else f" --partition {partition}"
        where = asset if partition == "_" else f"{asset} [{partition}]"
        super().__init__(f"{where}: {file} is {fault}; run `neo build {asset}{only} --force --no-upstream`")

    def __reduce__(self) -> tuple[type[DamagedError], tuple[str, str]]:
        return DamagedError, self._given  # it crosses processes
