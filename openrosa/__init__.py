"""The door in: the OpenRosa protocol, as ODK Collect, ODK Web Forms and Enketo speak it.

`openrosa.app` builds the server, `openrosa.serve` runs it. Nothing is answered 201 before it is durable, and no
answer of an interview is read here: only its envelope.
"""
