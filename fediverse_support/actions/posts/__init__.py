"""Writing, changing, deleting and liking posts.

One function is one transaction and one permission question; imported by `web` and `cli`.
"""
