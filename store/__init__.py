"""The only SQL and the only raw bytes: what was received, what was made of it, and who did what.

Import the submodules, one a noun: `store.open`, `store.forms`, `store.submissions`, `store.tables`, ...
Functions take a connection, which the edge gets from `Store.begin()` (a short write) or `Store.read()`.
Verbs are few: `add_`, `get_`, `list_`, `mark_`, `put_` (keyed: the same again changes nothing), `read_` (content).
"""
