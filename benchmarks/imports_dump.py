"""A dump as large as wanted: what the crawler wrote of the bundled web, over and over under other addresses.

    python -m benchmarks.imports_dump FOLDER MAX_PAGES

crawls the bundled web over HTTP into FOLDER. `make_dump` has that done in a process of its own and copies the records:
all answers with their requests, those with errors, redirects and sitemaps too, in an order drawn once. Blocks, digests
and record ids are as they were written; only the addresses in the headers differ.
"""

from __future__ import annotations

import random
import re
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.peers.environments import REPOSITORY
from neo_assets.web.archive.httpmessage import MessageError, parsed_answer
from neo_assets.web.archive.members import members
from neo_assets.web.archive.window import Window

ADDRESS = re.compile(rb"(?m)^(WARC-Target-URI: )([^\r\n]*)")
KIND = re.compile(rb"(?m)^WARC-Type: (\w+)")
GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
RECORD_END = b"\r\n\r\n"
LEVEL = 6
MAX_PAYLOAD_BYTES = 100_000_000


class MadeDump(NamedTuple):
    """The files, and what is in them: response records, bytes packed, bytes of the responses' payloads."""

    files: tuple[Path, ...]
    n_pages: int
    packed_bytes: int
    payload_bytes: int


class _Record(NamedTuple):
    """A record whose block is packed already: only its header changes from copy to copy."""

    kind: bytes
    header: bytes
    block: bytes
    packed: bytes

    def member(self, number: int) -> bytes:
        """The gzip member of a copy."""
        header = ADDRESS.sub(lambda found: found[1] + _copied(found[2], number), self.header)
        packer = zlib.compressobj(LEVEL, wbits=-zlib.MAX_WBITS)
        start = packer.compress(header) + packer.flush(zlib.Z_FULL_FLUSH)
        check = zlib.crc32(self.block, zlib.crc32(header))
        return GZIP_HEAD + start + self.packed + struct.pack("<II", check, len(header) + len(self.block))


def make_dump(folder: Path, n_pages: int, n_files: int, max_crawled: int) -> MadeDump:
    """Crawl and write the dump: `n_pages` response records in `n_files` files of the same number of them."""
    crawled = folder / "crawl"
    command = [sys.executable, "-m", "benchmarks.imports_dump", str(crawled), str(max_crawled)]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    pages = list(_pages(sorted((crawled / "warc").glob("*.warc.gz"))))
    random.Random(1).shuffle(pages)
    files = tuple(folder / f"CC-MAIN-{number:05}.warc.gz" for number in range(n_files))
    n_bytes = 0
    sizes = [_payload_size(page[0].block) for page in pages]
    for number, file in enumerate(files):
        with file.open("wb") as stream:
            for index in range(number * n_pages // n_files, (number + 1) * n_pages // n_files):
                page = pages[index % len(pages)]
                n_bytes += sizes[index % len(pages)]
                for record in page:
                    stream.write(record.member(index // len(pages)))
    return MadeDump(files, n_pages, sum(file.stat().st_size for file in files), n_bytes)


def _pages(files: list[Path]) -> Iterator[list[_Record]]:
    """Each response with the records behind it, which are its request."""
    page: list[_Record] = []
    for record in _records(files):
        if record.kind == b"response" and page:
            yield page
            page = []
        if page or record.kind == b"response":
            page.append(record)
    yield page


def _records(files: list[Path]) -> Iterator[_Record]:
    for data in _members(files):
        header, mark, block = data.partition(b"\r\n\r\n")
        [kind] = KIND.findall(header)
        if kind != b"warcinfo":
            packer = zlib.compressobj(LEVEL, wbits=-zlib.MAX_WBITS)
            yield _Record(kind, header + mark, block, packer.compress(block) + packer.flush())


def _members(files: list[Path]) -> Iterator[bytes]:
    for file in files:
        with file.open("rb") as stream:
            for member in members(Window(stream, 0), []):
                yield b"".join(iter(member.read, b""))


def _payload_size(block: bytes) -> int:
    """Bytes of a response's payload; as they are, if its coding is broken."""
    answer = parsed_answer(block[: -len(RECORD_END)])
    try:
        return len(answer.payload(MAX_PAYLOAD_BYTES))
    except MessageError:
        return len(answer.body)


def _copied(address: bytes, number: int) -> bytes:
    if not number:
        return address
    return address + (b"&" if b"?" in address else b"?") + b"copy=%d" % number


def main() -> None:
    """Crawl the first day of the bundled web."""
    from neo_assets.recipe.recipe import load_recipe
    from neo_assets.web.bundled.site import seed_urls
    from neo_assets.web.crawler.crawl import crawl_day

    folder, max_pages = Path(sys.argv[1]), int(sys.argv[2])
    settings = load_recipe("mini").crawl.model_copy(update={"max_pages": max_pages})
    crawl_day(settings, seed_urls(), (), settings.start, folder)


if __name__ == "__main__":
    main()
