"""Fediverse Support: a federated home for support groups.

The rooms are floors, and imports go downwards only: command line, processes and wiring at the top, then web
and workers, deps, remote, actions, pipeline, then policy, store, reads and adapters side by side, db,
settings, domain, and below everything the protocol library `federation`.
"""
