"""The journeys that matter, in a real browser without JavaScript."""
