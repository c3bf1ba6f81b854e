"""Training: from accepted files to LoRA checkpoints, in a process of its own that survives being killed."""
