"""Small faults put into a copy of the code on purpose, each of which its nearest tests have to notice.

`make mutants` runs them all; `make test` only checks that each still fits the code. A new guard comes with
its line in `rules`, `proofs` or `walls`.
"""
