"""WARC files: written by the crawl, read by extraction and imports, damaged ones included."""
