"""What activities change about people: descriptions, follows, blocks, departures.

Like all handlers they write rows and return effects; only the table and handlers beside them import this.
"""
