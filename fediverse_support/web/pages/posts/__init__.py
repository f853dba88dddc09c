"""Pages about a post and its conversation: reading, writing, changing, reporting.

Imported by the table of pages in `routes` alone, and by pages of subjects that come after.
"""
