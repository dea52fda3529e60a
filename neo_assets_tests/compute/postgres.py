"""A PostgreSQL server for the tests, on a Unix socket alone, run by a user who is not root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgres_server(programs: Path) -> Iterator[str]:
    """Start one with an empty database; gives its URL."""
    owner = pwd.getpwnam("postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name)
    folder = Path(tempfile.mkdtemp(prefix="neo-postgres-"))  # a socket's path may be 107 characters long
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def as_owner(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs / program, *arguments],
            check=True,
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            timeout=60,
            **({"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}),
        )

    data, log = str(folder / "data"), str(folder / "log")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c timezone=UTC"
    as_owner("initdb", "-D", data, "-U", "neo", "-A", "trust", "--no-sync", "-E", "UTF8")
    try:
        as_owner("pg_ctl", "-D", data, "-l", log, "-w", "-o", options, "start")
        try:
            as_owner("createdb", "-h", str(folder), "-U", "neo", "dagster")
            yield f"postgresql+psycopg2://neo@/dagster?host={folder}"
        finally:
            as_owner("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
