"""The connection to an S3-compatible store: where it is, how long it may be silent, how often it is asked again.

One client a process for all roots that connect alike, with a pool of connections; another one after a fork, since
sockets are not shared. Requests are tried again with growing pauses, by botocore where the answer's head is at fault,
by `again` where its body is. Payloads are signed and committed bytes are compared with their SHA-256, so the SDK's
additional checksums, which some stores do not understand, are sent only where they are required.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import boto3
from botocore.config import Config

from neo_assets.lake.s3_errors import BROKEN_OFF

ATTEMPTS = 5
"""Of a request, unless AWS_MAX_ATTEMPTS says otherwise."""
CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 60.0
"""How long connecting, and silence in an answer, may last; NEO_S3_TIMEOUT_SECONDS takes the place of the latter."""
CONNECTIONS = 16
"""To the store, kept open."""

Environment = tuple[tuple[str, str], ...]
T = TypeVar("T")


def environment() -> Environment:
    """The variables that decide how a store is reached, and as whom: under others, another client is needed."""
    return tuple(sorted((k, v) for k, v in os.environ.items() if k.startswith(("AWS_", "NEO_S3_"))))


@lru_cache
def client_for(region: str | None, endpoint: str | None, given: Environment) -> Any:
    """The boto3 client, safe to use from several threads.

    Args:
        region, endpoint: in place of what the environment says.
        given: the present `environment()`.
    """
    own = endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=float(os.environ.get("NEO_S3_TIMEOUT_SECONDS") or ANSWER_SECONDS),
        max_pool_connections=CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": attempts()},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if own else "auto"},
    )
    return boto3.session.Session(region_name=region).client("s3", endpoint_url=endpoint, config=config)


os.register_at_fork(after_in_child=client_for.cache_clear)


def attempts() -> int:
    """How often a request is made at most."""
    return max(1, int(os.environ.get("AWS_MAX_ATTEMPTS") or ATTEMPTS))


def again(get: Callable[[], T]) -> T:
    """What `get` gives, asking again where the answer's body broke off."""
    for attempt in range(attempts() - 1):
        try:
            return get()
        except BROKEN_OFF:
            pause(attempt)
    return get()


def pause(attempt: int) -> None:
    """Wait before the next attempt: 0.2 s, twice as long each time, 10 s at most."""
    time.sleep(min(0.2 * 2**attempt, 10.0))
