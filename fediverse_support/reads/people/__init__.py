"""People and groups as others see them, profiles, and who follows whom.

SELECT only, as everywhere in `reads`; imported by `web`, `actions` and `cli`.
"""
