"""The cleaning log: what people decided to change, replayed over the data as they came in."""
