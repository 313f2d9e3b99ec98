"""The data-quality report: what a reviewer reads, asks about, signs or refuses."""
