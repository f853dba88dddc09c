"""The running server and software written by others, talking to each other on loopback.

Nothing here runs in `make test`: `make interop` installs the others' packages into `.interop-cache/` and
starts them. What is said in these tests can be kept (`INTEROP_RECORD=1`) under `recorded/`, from where
`tests/replay` plays it to a fresh instance without any of that software.
"""
