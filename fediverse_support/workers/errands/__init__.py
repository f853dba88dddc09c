"""Errands: what is done for people and for the house after the change that asked for it, one file a kind.

`kinds.py` is the table of them: a new kind is a name in `domain/jobs.py`, a line there, and its file here.
Only what stands here is handed what waits for the world outside. Imported by `workers.loop` only.
"""
