"""Our persons and those of other servers, whom they follow and block: every write on those tables.

As everywhere in `store`, callers hand in their transaction; imported by `pipeline`, `actions` and `workers`.
"""
