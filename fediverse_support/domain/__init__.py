"""The words of the application as frozen types: no database, no network, no clock.

Everything above may import it; it imports only `federation`. Decision: values are frozen, a change makes a
new one.
"""
