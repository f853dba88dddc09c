"""The command line: what an operator types, and the processes that `serve` starts.

The topmost room; only `__main__` imports it. It parses words, calls actions and reads, and prints
sentences. Heavy imports stand inside the functions that need them, because every start pays for what stands
at the top. Decision: exit status 0 for success, 1 for a failed operation, 2 for wrong usage; one sentence
on stderr, no traceback.
"""
