"""Statuses of the client API, alone and in lists.

Imported by the table of paths in `routes` alone; nothing outside this edge says "status".
"""
