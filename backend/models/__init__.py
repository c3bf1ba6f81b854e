"""The models: what each family supports, how it is loaded, and the starter that is always there."""
