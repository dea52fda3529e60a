"""An object store with signatures checked, a bucket of one's own, and a proxy that counts and does harm."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pytest

from neo_assets_tests.storage.proxy import Proxy, running

SETTINGS = ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "AWS_MAX_ATTEMPTS")


@dataclass(frozen=True)
class Server:
    """An object store: its address, and a key that may do everything."""

    port: int
    key: str
    secret: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @lru_cache  # noqa: B019  # one a session
    def client(self, service: str = "s3") -> Any:
        import boto3

        return boto3.session.Session().client(
            service, endpoint_url=self.url, region_name="us-east-1", aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
        )  # fmt: skip


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Moto's server; its first three requests, which make the key, are not checked."""
    environment = {"INITIAL_NO_AUTH_ACTION_COUNT": "3", "PATH": "/usr/bin:/bin", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "neo_assets_tests.storage.server", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        try:
            assert process.stdout is not None
            iam = Server(int(process.stdout.readline()), "nobody", "nothing")
            client = iam.client("iam")
            client.create_user(UserName="neo")
            policy = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
            client.put_user_policy(UserName="neo", PolicyName="all", PolicyDocument=policy)
            made = client.create_access_key(UserName="neo")["AccessKey"]
            yield Server(iam.port, made["AccessKeyId"], made["SecretAccessKey"])
        finally:
            process.terminate()


@pytest.fixture
def environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment in which the server is the object store."""
    at_server(server, monkeypatch)
    return monkeypatch


def at_server(server: Server, environment: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        environment.delenv(name, raising=False)
    environment.setenv("AWS_ENDPOINT_URL", server.url)
    environment.setenv("AWS_ACCESS_KEY_ID", server.key)
    environment.setenv("AWS_SECRET_ACCESS_KEY", server.secret)
    environment.setenv("AWS_REGION", "us-east-1")
    environment.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def root(server: Server, environment: pytest.MonkeyPatch) -> str:
    """A root in a new bucket."""
    name = f"neo-{uuid.uuid4().hex[:12]}"
    server.client().create_bucket(Bucket=name)
    return f"s3://{name}/some/lake"


@pytest.fixture
def proxy(server: Server, root: str, environment: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The proxy, in the place of the server."""
    with running(("127.0.0.1", server.port)) as proxy:
        environment.setenv("AWS_ENDPOINT_URL", proxy.url)
        yield proxy
