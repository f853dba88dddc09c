"""The client API: what programs written for Mastodon ask for, answered in their words.

Here belong the routes under `/api`, reading their parameters, and turning views into their JSON; it is the
only room that says "status". It reads through `reads` and writes through `actions` like the pages do, so
that neither shows or does more than the other; no other edge may import it. Decisions: every list passes
`can_see`; nobody is counted; what is hidden and what is missing are answered alike.
"""
