"""What people do: one function is one transaction is one permission question.

Imported by the web edges, the command line and `remote`. Decision: whoever opens a transaction is an action
or a worker
step; an action never reaches the network.
"""
