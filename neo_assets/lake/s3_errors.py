"""What an object store answers, as one line that says what to do."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as aws
from urllib3.exceptions import HTTPError

from neo_assets.lake.errors import AccessError, MissingBucketError, StoreError, UnavailableError

KEYS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or whatever else gives AWS credentials)"
_WRONG_KEY = {
    "SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidClientTokenId", "AuthFailure", "InvalidToken",
    "ExpiredToken", "TokenRefreshRequired", "AuthorizationHeaderMalformed",
}  # fmt: skip
_FORBIDDEN = {"AccessDenied", "403", "AllAccessDisabled", "AccountProblem"}
_BUSY = {
    "SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "Throttling", "ThrottlingException",
    "TooManyRequests", "BadGateway", "GatewayTimeout", "500", "502", "503", "504", "429",
}  # fmt: skip
_MISSING = {"NoSuchKey", "404", "NotFound"}
_OUTSIDE = {"InvalidRange", "416"}
CHANGED = {"PreconditionFailed", "412"}
CONCURRENT = {"ConditionalRequestConflict", "OperationAborted"}


class EndedError(StoreError):
    """An upload in pieces that is not under way: completed or aborted."""


class OutOfRangeError(StoreError):
    """A range outside the object: the end of an empty one, for instance."""


BROKEN_OFF: tuple[type[Exception], ...] = (
    aws.IncompleteReadError, aws.ResponseStreamingError, aws.ReadTimeoutError, aws.ConnectionClosedError, HTTPError,
    http.client.HTTPException, ConnectionError, TimeoutError,
)  # fmt: skip
"""What reading an answer's body raises when the connection ends or falls silent: asking once more may help."""


def code_of(error: aws.ClientError) -> str:
    """The service's name for what is wrong, or the HTTP status."""
    found = error.response.get("Error", {}).get("Code")
    return str(found or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "?"))


@contextmanager
def told(place: str, bucket: str) -> Iterator[None]:
    """Raise what the block's requests met as a `StoreError`, or `FileNotFoundError` for a missing object.

    Args:
        place: what was read or written, as the message shows it.
    """
    try:
        yield
    except aws.ClientError as error:
        raise _answered(error, place, bucket) from error
    except (aws.NoCredentialsError, aws.PartialCredentialsError, aws.CredentialRetrievalError) as error:
        raise AccessError(f"{place}: no credentials; {KEYS}") from error
    except (aws.ProfileNotFound, aws.InvalidConfigError, aws.ParamValidationError) as error:
        raise StoreError(f"{place}: {one_line(error)}") from error
    except aws.EndpointConnectionError as error:
        raise UnavailableError(f"{place}: {one_line(error)}; is AWS_ENDPOINT_URL right?") from error
    except (aws.HTTPClientError, *BROKEN_OFF) as error:
        why = one_line(error)
        raise UnavailableError(f"{place}: no whole answer, after several attempts ({why}); try again later") from error
    except aws.BotoCoreError as error:
        raise StoreError(f"{place}: {one_line(error)}") from error


def one_line(error: BaseException) -> str:
    """The error's text without line breaks."""
    return " ".join(str(error).split()) or type(error).__name__


def _answered(error: aws.ClientError, place: str, bucket: str) -> Exception:
    code = code_of(error)
    said = one_line(Exception(error.response.get("Error", {}).get("Message") or code))
    if code == "NoSuchBucket":
        return MissingBucketError(f"{place}: there is no bucket {bucket!r}; create it, or correct NEO_LAKE")
    if code in _MISSING:
        return FileNotFoundError(place)
    if code in _OUTSIDE:
        return OutOfRangeError(f"{place}: {said}")
    if code == "NoSuchUpload":
        return EndedError(f"{place}: the upload was aborted, perhaps by `neo gc`; run the same again")
    if code in _WRONG_KEY:
        return AccessError(f"{place}: the key or its secret was refused ({code}); {KEYS}")
    if code in _FORBIDDEN:
        return AccessError(f"{place}: not allowed ({code}); the key needs to list, read, write and delete there")
    if code == "RequestTimeTooSkewed":
        return StoreError(f"{place}: this machine's clock differs from the store's ({said}); set it right")
    if code in _BUSY:
        attempts = 1 + int(error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0))
        return UnavailableError(f"{place}: the store answered {code} {attempts} times ({said}); try again later")
    return StoreError(f"{place}: {code}: {said}")
