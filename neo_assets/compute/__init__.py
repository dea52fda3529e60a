"""Where heavy jobs run: the same `python -m neo_assets.jobs.X`, in a process here or in a pod elsewhere."""
