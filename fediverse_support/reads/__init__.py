"""What screens, client programs and other servers may see: SELECT only, typed views, a bounded number of
queries.

Imported by web, remote and the command line. Every list of posts for people goes through `can_see`, every
post for
another server through `can_fetch`; nothing here writes, and nobody else decides visibility.
"""
