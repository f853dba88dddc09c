"""The state changes, one function per row of the table; each returns the effects it wants and reaches
nothing else.

Imported by `pipeline.table` only. Decision: idempotent by unique URI, silent about distribution.
"""
