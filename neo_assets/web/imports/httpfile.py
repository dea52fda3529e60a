"""A file behind HTTP, read once forward: a lost connection is taken up where it broke."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

AGENT = "neo-assets-imports/0.1"
TIMEOUT_SECONDS = (10.0, 60.0)
"""To connect, and between two blocks."""
N_TRIES = 5
PAUSE_SECONDS = 0.5
"""Before the second try; it doubles each time."""
BLOCK_BYTES = 1 << 16
MAX_REDIRECTS = 5
AGAIN = frozenset({408, 429, 500, 502, 503, 504})
SCHEMES = ("http", "https")
CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class HttpError(OSError):
    """An answer by which a file cannot be read; the message says which."""


class HttpFile(io.BufferedReader):
    """A readable binary stream of an address.

    Raises:
        HttpError: here or while it is read: there is no such file, it changed meanwhile, or the server is gone.
    """

    def __init__(self, url: str) -> None:
        super().__init__(_Body(url), BLOCK_BYTES)


def http_stamp(url: str) -> Mapping[str, str | int | None]:
    """Size and validator of a file as its server gives them; nulls where it answers no HEAD.

    Raises:
        HttpError: the server cannot be reached, or there is no such file.
    """
    try:
        with _Connection(url).ask("HEAD", {}) as answer:
            size = answer.headers.get("Content-Length", "")
            return {"size": int(size) if size.isdecimal() else None, "tag": _validator(answer.headers)}
    except HttpError as error:
        if error.errno in (404, 410):
            raise
        return {"size": None, "tag": None}


class _Body(io.RawIOBase):
    """The bytes of an address."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._connection = _Connection(url)
        self._position = 0
        self._size: int | None = None
        self._tag: str | None = None
        self._answer: Any = None
        self._open()

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if self._answer is not None:
            self._answer.close()
            self._answer = None
        self._connection.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        tries = 1
        while True:
            data = self._read(min(len(buffer), BLOCK_BYTES))
            if data or (data is not None and self._position == (self._size or self._position)):
                self._position += len(data)
                buffer[: len(data)] = data
                return len(data)
            if tries == N_TRIES:
                raise HttpError(f"the connection broke {N_TRIES} times at byte {self._position}")
            time.sleep(PAUSE_SECONDS * 2 ** (tries - 1))
            tries += 1
            self._open()

    def _read(self, size: int) -> bytes | None:
        """The next bytes; none at the end; None after a lost connection."""
        from urllib3.exceptions import HTTPError

        try:
            return bytes(self._answer.raw.read(size, decode_content=False))
        except (HTTPError, OSError):
            return None

    def _open(self) -> None:
        """Ask for what is not read yet."""
        if self._answer is not None:
            self._answer.close()
        headers = {"Range": f"bytes={self._position}-"} if self._position else {}
        if self._position and self._tag and not self._tag.startswith("W/"):
            headers["If-Range"] = self._tag
        self._answer = answer = self._connection.ask("GET", headers)
        length = answer.headers.get("Content-Length", "")
        size = int(length) if length.isdecimal() else None
        begun = 0
        if answer.status_code == 206:
            found = CONTENT_RANGE.match(answer.headers.get("Content-Range", ""))
            if not found or int(found[1]) != self._position:
                raise HttpError(f"another part was sent than the one asked for, from byte {self._position}")
            begun, size = self._position, int(found[2]) if found[2].isdecimal() else self._size
        tag = _validator(answer.headers)
        if self._position and (tag != self._tag or (None not in (size, self._size) and size != self._size)):
            raise HttpError("it changed while it was read; build again")
        self._size, self._tag = size if self._size is None else self._size, tag
        self._pass_over(self._position - begun)

    def _pass_over(self, left: int) -> None:
        """Read again what a server without ranges sends again."""
        while left:
            data = self._read(min(left, BLOCK_BYTES))
            if not data:
                raise HttpError(f"the connection broke before byte {self._position}, and the server knows no ranges")
            left -= len(data)


class _Connection:
    """Asks for one address, again where that may help; follows redirects by HTTP only."""

    def __init__(self, url: str) -> None:
        import requests

        self._url = url
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": AGENT, "Accept-Encoding": "identity"})

    def close(self) -> None:
        self._session.close()

    def ask(self, method: str, headers: Mapping[str, str]) -> Any:
        """The answer, its body still to be read.

        Raises:
            HttpError: none, or one that has not the file; `errno` is its status.
        """
        import requests

        why, status = "", 0
        for number in range(N_TRIES):
            if number:
                time.sleep(PAUSE_SECONDS * 2 ** (number - 1))
            try:
                answer = self._followed(method, headers)
            except requests.RequestException as error:
                why, status = f"no answer ({type(error).__name__})", 0
                continue
            if answer.status_code in (200, 206):
                return answer
            why, status = f"HTTP status {answer.status_code}", answer.status_code
            answer.close()
            if status not in AGAIN:
                break
        raise HttpError(status, why)

    def _followed(self, method: str, headers: Mapping[str, str]) -> Any:
        url = self._url
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._session.request(
                method, url, headers=dict(headers), stream=True, timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
            if not answer.is_redirect:
                return answer
            answer.close()
            url = urljoin(url, answer.headers["Location"])
            if urlsplit(url).scheme not in SCHEMES:
                raise HttpError(f"it redirects to {url[:100]}, which is refused")
        raise HttpError(f"it redirects more than {MAX_REDIRECTS} times")


def _validator(headers: Mapping[str, str]) -> str | None:
    return headers.get("ETag") or headers.get("Last-Modified")
