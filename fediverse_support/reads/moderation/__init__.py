"""What waits for a moderator, and other servers as staff see them.

SELECT only, as everywhere in `reads`; imported by `web`, `actions` and `cli`.
"""
