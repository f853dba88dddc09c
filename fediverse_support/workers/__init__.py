"""The work that nobody waits for: applying what came in, sending what goes out, forgetting what has served
its time.

Imported by `wiring` only. Decision: a worker is a step that serves one lane; loops, signals and clocks are
somebody else's.
"""
