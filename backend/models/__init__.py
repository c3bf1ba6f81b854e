"""The models: what each family supports, how one is added, checked and loaded, and the starter that is always there."""
