"""What a training did, in numbers: operations, utilisation, and curves for TensorBoard and W&B."""
