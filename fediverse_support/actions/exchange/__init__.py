"""Deliveries come in here, and copies of posts are noted before they leave.

One function is one transaction and one permission question; imported by `web` and `cli`.
"""
