"""Telling the team, and what moderators and admins decide.

One function is one transaction and one permission question; imported by `web` and `cli`.
"""
