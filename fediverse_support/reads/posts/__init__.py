"""Posts one by one, in conversations and in lists; each SELECT asks `can_see`.

SELECT only, as everywhere in `reads`; imported by `web`, `actions` and `cli`.
"""
