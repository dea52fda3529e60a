"""Jobs, runs and Spark executors as pods of a real Kubernetes."""
