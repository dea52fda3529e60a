"""From the web to text: the bundled web, the crawl into WARC files, charset detection, extraction, language id."""
