"""The server-to-server edge: what other servers deliver to us and fetch from us.

It proves who asks, and stores or answers; it decides nothing about posts. Only `wiring` imports it; it does
not know the other edges. Rests on: nothing is done with a body before its signer is proven, and who may not
see a thing gets the same answer as for a thing that never was.
"""
