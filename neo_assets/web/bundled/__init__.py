"""The web that ships with the package, and the proxy that serves it on loopback."""
