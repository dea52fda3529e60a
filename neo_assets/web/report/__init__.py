"""What a crawl day brought, host by host."""
