"""The outside world behind small interfaces: other servers, files, mail, password hashing, logs.

What belongs here: code that talks to something outside this process, each file behind an interface that the
rest of the application can replace in a test. What does not: decisions about people, posts or rules.

Who may import it: `wiring`, which builds the adapters and hands them on. Nothing below this floor, and
nothing that can run inside a database transaction.

Rests on: the network stays out of transactions, and the address that is checked is the address that is
dialled.
"""
