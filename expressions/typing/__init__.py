"""What can be said of expressions without any answer at hand: their types, and what can never or must always hold."""
