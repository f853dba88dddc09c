"""Every INSERT, UPDATE, DELETE and locking SELECT, one file per aggregate; callers hand in their transaction.

Imported by `pipeline`, `actions`, `workers` and `remote`. Decision: SQL is a constant beside the function
that maps it, and
nothing here opens a transaction or reaches the network.
"""
