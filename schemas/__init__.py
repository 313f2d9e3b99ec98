"""SHAPES: the types that rooms hand to each other. Imports nothing of ours and does no work."""
