"""A PostgreSQL server that pods can reach, for an instance of Dagster."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from neo_assets_tests.cluster.settings import address

DEBIAN = Path("/usr/lib/postgresql")
USER, DATABASE = "dagster", "dagster"


def binaries() -> Path | None:
    """The folder of the server's programs: of Debian's newest version, or on the path."""
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = str(versions[-1]) if versions else shutil.which("initdb")
    return Path(found).parent if found else None


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """A server at this machine's address for pods; its URL. Passwords are checked; all of it is gone at the end."""
    programs, data, password = binaries(), folder / "data", secrets.token_urlsafe(12)
    assert programs is not None
    folder.mkdir(mode=0o755)
    (folder / "password").write_text(password)
    user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root
    if user:
        for path in (folder, folder / "password"):
            shutil.chown(path, user)
        folder.parent.chmod(0o711)
    host, port = address(), _free_port(address())

    def run(*command: str) -> None:
        done = subprocess.run(command, cwd=folder, user=user, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    access = ["--auth-host=scram-sha-256", "--auth-local=reject", f"--pwfile={folder / 'password'}"]
    run(str(programs / "initdb"), "--no-sync", "-D", str(data), "-U", USER, *access)
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all 0.0.0.0/0 scram-sha-256\n")
    options = f"-c listen_addresses={host} -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    control = [str(programs / "pg_ctl"), "-D", str(data), "-w"]
    run(*control, "-l", str(folder / "log"), "-o", options, "start")
    try:
        url = f"postgresql://{USER}:{password}@{host}:{port}/"
        _create_database(f"{url}postgres")
        yield f"{url}{DATABASE}"
    finally:
        run(*control, "-m", "immediate", "stop")


def _create_database(url: str) -> None:
    import psycopg2

    connection = psycopg2.connect(url)
    try:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {DATABASE}")
    finally:
        connection.close()


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
