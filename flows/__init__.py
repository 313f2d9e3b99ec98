"""WHEN: the command line, the Prefect flows, the rehearsal over HTTP. Decides when, never how; no business logic."""
