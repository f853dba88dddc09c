"""Posts, their edits, reactions and announces, and what stays of them: every write on those tables.

As everywhere in `store`, callers hand in their transaction; imported by `pipeline`, `actions` and `workers`.
"""
