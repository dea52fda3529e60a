"""Where data lives: dataset handles, immutable versions, manifests, content digests."""
