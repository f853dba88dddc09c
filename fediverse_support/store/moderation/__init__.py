"""Reports, removals, rules about servers, words to moderators: every write on those tables.

As everywhere in `store`, callers hand in their transaction; imported by `pipeline`, `actions` and `workers`.
"""
