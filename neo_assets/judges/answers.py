"""Where the answers of a language model are kept between runs: outside the lake, so that they are paid for once."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path


def answers_folder(endpoint_or_model: str, model: str) -> Path:
    """The folder of one server's model, or of a model in a folder of this machine: two may go by one name.

    It lies in the folder `NEO_ANSWERS`, or in neo-assets/answers of the user's cache. To have everything asked again,
    delete it. On pods it has to lie on a volume that outlives them.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "neo-assets" / "answers"
    base = Path(os.environ.get("NEO_ANSWERS") or home).expanduser().absolute()
    asked = json.dumps([endpoint_or_model.rstrip("/"), model])
    return base / hashlib.sha256(asked.encode()).hexdigest()[:16]
