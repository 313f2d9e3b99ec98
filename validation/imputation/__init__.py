"""Edit and imputation of answers that can't be asked again: what to change, by how little, and from whom."""
