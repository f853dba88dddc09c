"""What came in and what leaves: receipts, deliveries, lanes, peers, the ledger of copies, decisions.

As everywhere in `store`, callers hand in their transaction; imported by `pipeline`, `actions` and `workers`.
"""
