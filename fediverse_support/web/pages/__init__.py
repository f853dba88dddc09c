"""Pages for people: HTML that works without JavaScript, forms that keep what was typed, and words that calm.

Only `wiring` imports it (through `routes`). It reads through `reads` and writes through `actions`.
Decision: the server sends whole pages, nothing counts people, and no other host is ever asked for anything.
"""
