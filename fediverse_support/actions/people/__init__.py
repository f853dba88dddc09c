"""Joining groups, following people, and the answers to both.

One function is one transaction and one permission question; imported by `web` and `cli`.
"""
