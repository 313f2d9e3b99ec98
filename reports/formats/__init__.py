"""A release in the formats of others: DDI-Codebook, SDMX-CSV, HXL, and INE's two sheets. Pure: bytes out of tables."""
