"""Figures with their precision: design, domains, shares, means, totals, ratios and INE's quality label.

Pure: reads no file, no clock, no network. Specified in `docs/methods/`.
"""
