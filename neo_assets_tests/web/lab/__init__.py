"""The laboratory web: hosts under `lab.test` with everything that is awkward about crawling, and its truth."""
