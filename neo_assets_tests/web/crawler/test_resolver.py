"""A public name that resolves to a private address leads nowhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from neo_assets.web.crawler.resolver import PrivateAddressError, _public

SCRIPT = """
import datetime, sys
from pathlib import Path
from neo_assets.recipe.crawl import CrawlSection
from neo_assets.web.crawler.crawl import crawl
day, seeds = datetime.date(2024, 11, 1), (f"http://{sys.argv[1]}/",)
settings = CrawlSection(start=day, seeds=seeds, contact="me@example.org", max_pages=5, max_pages_per_host=5,
                        max_depth=0, max_seconds=60, max_body_bytes=1000, delay_seconds=0, n_retries=0)
result = crawl(settings, seeds, [], day, Path(sys.argv[2]), None)
rows = [row for batch in result.pages() for row in batch.to_pylist()]
for row in sorted(rows, key=lambda row: row["kind"], reverse=True):
    print(f"{row['outcome']}:{row['reason'].split()[0]}")
"""


def test_private_answers_are_refused() -> None:
    assert _public("93.184.216.34") == "93.184.216.34"
    for address in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "0.0.0.0"):  # noqa: S104 (an address to refuse)
        with pytest.raises(PrivateAddressError, match="is not a public address"):
            _public(address)


LYING = """
import socket, sys, threading
listener = socket.create_server(("127.0.0.1", 0))
connected = []
threading.Thread(target=lambda: connected.append(listener.accept()[0].close()), daemon=True).start()
socket.gethostbyname = lambda name: "127.0.0.1"
sys.argv[1] = f"rebound.example.com:{listener.getsockname()[1]}"
"""


def run(script: str, name: str, folder: Path) -> list[str]:
    command = [sys.executable, "-c", script, name, str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert "Traceback" not in answer.stderr
    return answer.stdout.split()


def test_no_connection_is_made_to_where_a_public_name_lies(tmp_path: Path) -> None:
    """The whole way through Scrapy without a proxy: the name server says that a public name is this very machine."""
    told = run(f"{LYING}\n{SCRIPT}\nprint(len(connected))", "", tmp_path / "1")
    assert told == ["failed:name", "refused:robots", "0"]
    blind = "import neo_assets.web.crawler.resolver as guarded\nguarded.is_public = lambda address: True"
    told = run(f"{LYING}\n{blind}\n{SCRIPT}\nprint(len(connected))", "", tmp_path / "2")
    assert told == ["failed:reset", "refused:robots", "1"], "without the guard there would be a connection"


def test_a_name_without_an_address_is_told_as_such(tmp_path: Path) -> None:
    assert run(SCRIPT, "nowhere.invalid", tmp_path) == ["failed:name", "refused:robots"]
