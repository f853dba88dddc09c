"""The journeys that matter, in a real browser without JavaScript: needs Chromium, says so loudly where there is none."""
