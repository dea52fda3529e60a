"""One HTTP request to a judge: bounded in time and size, to one host only, and the key never leaves it."""

from __future__ import annotations

import email.utils
import os
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from neo_assets.judges.settings import ChatSettings

RETRIED = frozenset((408, 409, 425, 429, 500, 502, 503, 504))
_CHUNK = 1 << 16
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}


class AskError(Exception):
    """An attempt that gave no answer."""

    def __init__(self, message: str, again: bool, wait: float | None = None, body: str = "") -> None:
        super().__init__(message)
        self.again = again
        """Whether another attempt may succeed."""
        self.wait = wait
        """Seconds that the server asked for."""
        self.body = body


@dataclass
class Transport:
    """Sends bodies to the endpoint; one session a thread."""

    settings: ChatSettings
    _local: threading.local = field(default_factory=threading.local, repr=False)

    def send(self, body: dict[str, Any]) -> str:
        """The text of the answer.

        Raises:
            AskError: there is none: no connection, too slow, too large, or a status other than 200.
        """
        import requests

        deadline = time.monotonic() + self.settings.timeout_seconds
        try:
            with self._session().post(
                self.settings.url, json=body, auth=_authorised(self._key()), stream=True, allow_redirects=False,
                timeout=self.settings.timeout_seconds, headers=_HEADERS,
            ) as response:  # fmt: skip
                text = self.redacted(self._body(response, deadline))
                if response.status_code != 200:
                    raise _refused(response, text)
                return text
        except requests.Timeout as fault:
            raise AskError(f"timeout: no answer in {self.settings.timeout_seconds:g} s", True) from fault
        except (requests.RequestException, OSError) as fault:
            raise AskError(f"connection: {type(fault).__name__}", True) from fault

    def redacted(self, text: str) -> str:
        """The text without the key, should the server repeat it."""
        key = self._key()
        return text.replace(key, "[key]") if key else text

    def _key(self) -> str:
        return os.environ.get(self.settings.api_key_variable, "").strip()

    def _session(self) -> Any:
        import requests

        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        return self._local.session

    def _body(self, response: Any, deadline: float) -> str:
        """The bytes as they come: a packed answer is refused, for it may unfold without bound."""
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise AskError("malformed: the answer is compressed, which was not asked for", False)
        parts, size = [], 0
        try:
            while part := response.raw.read1(_CHUNK):
                parts.append(part)
                size += len(part)
                if size > self.settings.max_answer_bytes:
                    raise AskError(f"malformed: the answer has more than {self.settings.max_answer_bytes} bytes", False)
                if time.monotonic() > deadline:
                    raise AskError(f"timeout: no whole answer in {self.settings.timeout_seconds:g} s", True)
        except ReadTimeoutError as fault:
            raise AskError(f"timeout: no answer in {self.settings.timeout_seconds:g} s", True) from fault
        except HTTPError as fault:
            raise AskError(f"connection: {type(fault).__name__}", True) from fault
        return b"".join(parts).decode("utf-8", "replace")


def _authorised(key: str) -> Any:
    """Sets the header, or none; and keeps `requests` from looking into .netrc."""

    def authorise(request: Any) -> Any:
        if key:
            request.headers["Authorization"] = f"Bearer {key}"
        return request

    return authorise


def _refused(response: Any, text: str) -> AskError:
    status = response.status_code
    if 300 <= status < 400:
        return AskError(f"redirect: status {status} is not followed; set the endpoint to where the server is", False)
    wait = _seconds(response.headers.get("Retry-After"))
    return AskError(f"status: {status}", status in RETRIED, wait, text)


def _seconds(value: str | None) -> float | None:
    """What Retry-After asks for: seconds, or a date."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
