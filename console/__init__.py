"""The desk: pages on which people decide, run flows, make releases and sign; they act through `console.acts`."""
