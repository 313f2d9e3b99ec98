"""The schema's history: one hand-read revision a change, run by `store.migrate`."""
