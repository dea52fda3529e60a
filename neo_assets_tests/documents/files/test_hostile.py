"""Files that nobody should be able to make: a clear reason for each, within the limits of the child."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from neo_assets.documents.files import DocumentError, PageFault, examine, render_pages
from neo_assets.documents.files.sandbox import Sandbox, SandboxError
from neo_assets.documents.model import Page
from neo_assets.recipe.documents import FileLimits, RenderSettings
from neo_assets_tests.documents.files import made

LIMITS = FileLimits(open_seconds=4, page_seconds=4, max_memory_bytes=1 << 28)
SETTINGS = RenderSettings()
FORM_LOOP = made.pages(
    b"/Fm Do",
    resources=b"/XObject << /Fm 5 0 R >>",
    more=[
        made.stream(
            b"/Fm Do /Fm Do",
            b"/Type /XObject /Subtype /Form /BBox [0 0 300 400] /Resources << /XObject << /Fm 5 0 R >> >>",
        )
    ],
)
WRONG_COUNT = made.pdf([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 999999999 /Kids [] >>"])


def looked_at(tmp_path: Path, data: bytes, limits: FileLimits = LIMITS) -> list[str]:
    """The rule of the file's fault, or for each page that of its fault or its kind."""
    path = tmp_path / "file"
    path.write_bytes(data)
    try:
        facts = examine(path, limits)
    except DocumentError as error:
        return [error.rule] if error.reason and "\n" not in error.reason else ["no reason"]
    found = render_pages(path, "d", range(1, min(facts.n_pages, 3) + 1), SETTINGS, limits)
    return [page.rule if isinstance(page, PageFault) else page.kind for page in found]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: b"", "empty"),
        (lambda: b"A letter to the editor", "media"),
        (lambda: made.encrypted("secret", "owner"), "encrypted"),
        (lambda: made.pages(made.prose())[:400], "damaged"),
        (lambda: b"%PDF-1.7\n" + bytes(range(256)) * 40, "damaged"),
        (lambda: made.picture("PNG", (400, 400))[:60], "damaged"),
        (lambda: made.pages(), "no_pages"),
        (lambda: WRONG_COUNT, "no_pages"),
        (lambda: made.pages(*[b""] * 5000), "too_many_pages"),
        (lambda: made.pages(made.prose(), size=(20_000, 20_000)), "too_large"),
        (lambda: made.png_bomb(20_000, 20_000), "too_large"),
        (lambda: made.png_bomb(11_000, 11_000), "too_large"),
        (lambda: made.flate_bomb(400 << 20, 2), "memory"),
        (made.circular_tree, "damaged"),
        (lambda: made.deep_tree(3000), "damaged"),
        (made.xref_loop, "damaged"),
        (lambda: FORM_LOOP, "memory"),
        (lambda: made.scan(image=made.image_object(60_000, 60_000, zlib.compress(bytes(1 << 16)))), "too_large"),
        (lambda: made.scan(image=made.image_object(64, 64, bytes(9000), b"/Filter /JBIG2Decode")), "damaged"),
    ],
)  # fmt: skip
def test_a_bad_file_has_a_reason(tmp_path: Path, make: Callable[[], bytes], expected: str) -> None:
    assert looked_at(tmp_path, make()) == [expected]


def test_what_can_be_read_is_read(tmp_path: Path) -> None:
    assert looked_at(tmp_path, made.encrypted("", "owner")) == ["born_digital"], "an owner's password hinders no one"
    assert looked_at(tmp_path, b"Mail\r\n" + made.pages(made.prose())) == ["born_digital"]
    assert looked_at(tmp_path, made.pages(b"q " * 100_000 + made.prose())) == ["born_digital"]
    assert looked_at(tmp_path, made.pages(b"[" * 100_000)) == ["blank"]
    scripted = made.pages(
        made.prose(),
        catalog=b"/OpenAction << /S /JavaScript /JS (for(;;);) >> /Names << /EmbeddedFiles << /Names [(a) 5 0 R]>> >>",
        more=[made.stream(b"MZ")],
    )
    assert looked_at(tmp_path, scripted) == ["born_digital"], "scripts and attachments are nothing to us"


def test_a_bad_page_costs_only_itself(tmp_path: Path) -> None:
    good = made.prose()
    data = made.pages(good, b"/Fm Do", good, resources=b"/XObject << /Fm 9 0 R >>", more=[
        made.stream(b"/Fm Do /Fm Do", b"/Type /XObject /Subtype /Form /BBox [0 0 300 400] /Resources "
                    b"<< /XObject << /Fm 9 0 R >> >>"),
    ])  # fmt: skip
    assert looked_at(tmp_path, data) == ["born_digital", "memory", "born_digital"]


def test_pages_after_three_that_end_their_child_are_not_tried(tmp_path: Path) -> None:
    path = tmp_path / "file"
    form = made.stream(
        b"/Fm Do /Fm Do",
        b"/Type /XObject /Subtype /Form /BBox [0 0 300 400] /Resources << /XObject << /Fm 15 0 R >> >>",
    )
    path.write_bytes(made.pages(*[b"/Fm Do"] * 6, resources=b"/XObject << /Fm 15 0 R >>", more=[form]))
    found = list(render_pages(path, "d", range(1, 7), SETTINGS, LIMITS))
    assert [(page.number, page.rule) for page in found if isinstance(page, PageFault)] == [
        (number, "memory") for number in range(1, 7)
    ]


def test_time_is_limited_in_the_child(tmp_path: Path) -> None:
    """A million overlapping shapes; the limit is one second of CPU."""
    limits = LIMITS.model_copy(update={"page_seconds": 0.5})
    shapes = b"0 0 300 400 re f* " * 3 + b"0 0 m 300 400 l 300 0 l 0 400 l h f* " * 300_000
    assert looked_at(tmp_path, made.pages(shapes), limits) == ["time"]


def test_a_child_has_its_limits() -> None:
    code = (
        "import json, resource, signal\n"
        "from neo_assets.documents.files.child import Teller, _limit\n"
        "from neo_assets.recipe.documents import FileLimits\n"
        "_limit(FileLimits(max_memory_bytes=1 << 28)); Teller.allow(2.0)\n"
        "names = ('AS', 'CPU', 'CORE', 'FSIZE')\n"
        "found = {name: resource.getrlimit(getattr(resource, 'RLIMIT_' + name))[0] for name in names}\n"
        "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "print(json.dumps(found | {'size': size, 'timer': signal.getitimer(signal.ITIMER_REAL)[0]}))"
    )
    found = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert abs(found["AS"] - found["size"] - (1 << 28)) < 1 << 24
    assert found["CORE"] == found["FSIZE"] == 0
    assert 2 <= found["CPU"] <= 5
    assert 5 < found["timer"] <= 6


def test_a_server_that_does_not_start_is_no_fault_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(SandboxError, match="does not start"):
        list(Sandbox().ask({"task": "examine"}, tmp_path, LIMITS))


def test_a_server_that_was_killed_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(made.pages(made.prose()))
    sandbox = Sandbox()
    try:
        for _ in range(2):
            [(message, _)] = sandbox.ask({"task": "examine"}, path, LIMITS)
            assert message["facts"]["n_pages"] == 1
            [server] = sandbox._idle
            server.process.kill()
            server.process.wait()
    finally:
        sandbox.close()


def test_two_files_can_be_read_in_turns_and_left(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(made.pages(*[made.prose()] * 4))
    one, two = (render_pages(path, "d", range(1, 5), SETTINGS, LIMITS) for _ in range(2))
    assert next(one) == next(two)
    assert isinstance(one, Generator)
    one.close()
    rest = list(two)
    assert all(isinstance(page, Page) for page in rest)
    assert [page.number for page in rest] == [2, 3, 4]
