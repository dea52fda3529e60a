"""What runs in a process or pod of its own: `python -m neo_assets.jobs.X`, told what to do over Dagster Pipes."""
