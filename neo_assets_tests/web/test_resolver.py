"""A public name that resolves to a private address leads nowhere."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from neo_assets.web.guard import is_public
from neo_assets.web.resolver import PrivateAddressError, _public

SCRIPT = """
import datetime, sys
from pathlib import Path
from neo_assets.recipe.crawl import CrawlSection
from neo_assets.web.crawl import crawl
day, seeds = datetime.date(2024, 11, 1), (f"http://{sys.argv[1]}/",)
settings = CrawlSection(start=day, seeds=seeds, contact="me@example.org", max_pages=5, max_pages_per_host=5,
                        max_depth=0, max_seconds=60, max_body_bytes=1000, delay_seconds=0, n_retries=0)
for row in crawl(settings, seeds, None, day, Path(sys.argv[2]), None).pages.sort_by("kind").to_pylist()[::-1]:
    print(f"{row['outcome']}:{row['reason'].split()[0]}")
"""


def test_private_answers_are_refused() -> None:
    assert _public("93.184.216.34") == "93.184.216.34"
    for address in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "0.0.0.0"):  # noqa: S104 (an address to refuse)
        with pytest.raises(PrivateAddressError, match="is not a public address"):
            _public(address)


def test_no_connection_is_made_to_a_name_of_this_machine(tmp_path: Path) -> None:
    """The whole way through Scrapy without a proxy: the machine's own name has a private address (or none)."""
    name = socket.gethostname()
    try:
        addresses = socket.gethostbyname_ex(name)[2]
    except OSError:
        addresses = []
    if any(map(is_public, addresses)):
        pytest.skip("this machine's own name has a public address")
    command = [sys.executable, "-c", SCRIPT, name, str(tmp_path)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert "Traceback" not in answer.stderr
    assert answer.stdout.split() == ["failed:name", "refused:robots"]
