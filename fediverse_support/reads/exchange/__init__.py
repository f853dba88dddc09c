"""What waits and what happened between servers, for operators.

SELECT only, as everywhere in `reads`; imported by `web`, `actions` and `cli`.
"""
