"""The one door: every activity, remote, local or fetched, becomes rows and outgoing work here.

Imported by `actions`, `remote` and `workers` through `apply`. Decision: facts, verdict, handler, outbox and
log are five stages in one
transaction; nothing below can reach the network.
"""
