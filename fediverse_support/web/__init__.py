"""The edges where requests come in: other servers, client programs, people's browsers.

Each edge has its own room and does not know the others; what they share lies here. Web reads through
`reads/` and writes through `actions/`; `wiring` puts the routes together and is the only one to import
them.
"""
