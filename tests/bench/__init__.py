"""How fast it is on this machine: ratios against a bare limit measured in the same run. Nothing here is
asserted."""
