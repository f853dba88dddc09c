"""Logins, their sessions and tokens, and who asks for one: every write on those tables.

As everywhere in `store`, callers hand in their transaction; imported by `pipeline`, `actions` and `workers`.
"""
