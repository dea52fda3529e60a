"""text-dedup: its MinHash, 14 x 8 over 5-grams of words, candidates verified by Jaccard similarity.

Words are runs of letters and digits, so that in Chinese a clause counts as one word. The least number of words is 0,
since few Chinese texts of a page would pass its default otherwise.
"""

from __future__ import annotations

import json
import os
import shutil

from benchmarks.peers.dedup_protocol import Clock, Task, answer, task

SETTINGS = """
[input]
input_type = "local_files"
file_type = "json"
[input.read_arguments]
path = "json"
data_files = {input}
cache_dir = {cache}
split = "train"
[algorithm]
algorithm_name = "minhash"
text_column = "text"
num_perm = 112
bands = 14
rows = 8
ngram_size = 5
min_length = 0
threshold = 0.8
check_false_positive = true
num_proc = {cores}
[output]
output_dir = {output}
[debug]
enable_profiling = false
"""


def run(asked: Task) -> None:
    """Its own main function, on a configuration file as its documentation writes it."""
    shutil.rmtree(asked.work)
    asked.work.mkdir()
    os.environ["HF_HOME"] = str(asked.work / "cache")
    os.environ["HF_HUB_OFFLINE"] = "1"
    from datasets import load_from_disk
    from text_dedup.config.base import load_config_from_toml
    from text_dedup.minhash import main

    paths = {"input": asked.input, "cache": asked.work / "cache", "output": asked.work / "out"}
    quoted = {name: json.dumps(str(path)) for name, path in paths.items()}
    file = asked.work / "config.toml"
    file.write_text(SETTINGS.format(**quoted, cores=asked.cores), encoding="utf-8")
    config = load_config_from_toml(file)
    with Clock() as clock:
        main(config)
    answer(clock, asked.work, load_from_disk(str(asked.work / "out"))["id"])


if __name__ == "__main__":
    run(task(__doc__))
