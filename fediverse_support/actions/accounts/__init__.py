"""Logins: made, let in or refused, signed in and out.

One function is one transaction and one permission question; imported by `web` and `cli`.
"""
