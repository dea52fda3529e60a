"""Jobs as pods of a Kubernetes cluster, which outlive whoever watches them."""
