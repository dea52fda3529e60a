"""The crawl: which URLs are asked for and when, how politely, what is recorded, and what is known afterwards."""
