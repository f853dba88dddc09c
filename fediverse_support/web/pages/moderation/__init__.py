"""Pages for moderators: what waits, and other servers.

Imported by the table of pages in `routes` alone, and by pages of subjects that come after.
"""
