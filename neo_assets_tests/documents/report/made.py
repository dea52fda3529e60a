"""A made-up batch: two documents, five pages, with Chinese and hostile text."""

from __future__ import annotations

import io
from typing import Any

from neo_assets.documents.report import Stages

HOSTILE = "<script>alert(1)</script> ![x](http://evil.example/x.png) \x00 | `a` 中文"
WIDTH, HEIGHT = 300.0, 400.0


def picture() -> bytes:
    """A page's PNG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.new("L", (600, 800), 240).save(stream, "PNG")
    return stream.getvalue()


def stages(n_pages: dict[str, int], image: bytes, scores: dict[tuple[str, int], float] | None = None) -> Stages:
    """The rows of each stage; page 2 of document b has no layout, and `scores` are those of recognised lines."""
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in ("pages", "layout", "elements", "markdown")}
    for doc_id, n in sorted(n_pages.items()):
        markdown, blocks = "", []
        for page in range(1, n + 1):
            url = f"document://{doc_id}#page={page}"
            base = {
                "doc_id": doc_id,
                "url": url,
                "page": page,
                "width": WIDTH,
                "height": HEIGHT,
                "seconds": 0.25 * page,
            }
            tables["pages"].append({**base, "kind": "scanned", "layer": "missing", "image": image})
            box = [10.0, 20.0, 200.0, 60.0]
            if (doc_id, page) != ("b", 2):
                tables["layout"].append({**base, "regions": [{"kind": "text", "box": box, "score": 0.7}]})
            score = (scores or {}).get((doc_id, page), 0.95)
            line = {"text": f"{HOSTILE} {doc_id}{page}", "box": box, "score": score, "size": 9.0}
            heading = {"kind": "title", "box": [10.0, 5.0, 90.0, 15.0], "source": "layer", "lines": []}
            tables["elements"].append(
                {**base, "elements": [heading, {"kind": "text", "box": box, "source": "ocr", "lines": [line]}]}
            )
            text = f"# Page {page}\n\n{line['text']}"
            place = {"start": 0, "end": len(text), "page": page, "box": box}
            blocks.append({"kind": "text", "start": len(markdown), "end": len(markdown) + len(text), "places": [place]})
            markdown += text + "\n\n"
        tables["markdown"].append({"doc_id": doc_id, "markdown": markdown, "blocks": blocks})
    elements = tables["elements"]
    return Stages(
        pages=lambda: tables["pages"], layout=lambda: tables["layout"], elements=lambda: elements,
        ordered=lambda: elements, markdown=lambda: tables["markdown"],
    )  # fmt: skip
