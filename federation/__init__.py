"""A protocol library for ActivityPub servers with groups.

Pure functions over frozen values, and one door to the network (`http.Transport`) that the caller supplies.
It knows no application, no web framework and no database. Import modules, not names:
`from federation import reading`.

Rests on: ActivityPub, ActivityStreams 2.0, FEP-1b12 (groups), FEP-fe34 (origins),
draft-cavage-http-signatures-12,
RFC 9421, RFC 7033 (WebFinger), NodeInfo 2.0 and 2.1.
"""
