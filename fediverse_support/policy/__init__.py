"""One pure decision about every activity, whoever sends it: facts in, a verdict out.

Imported by `pipeline`, `actions` and the web edges (`may`). No database, no network, no clock. Decision: the
strictest
verdict wins and every reason is kept, so the order of rules cannot matter.
"""
