"""`python -m fediverse_support`: hands the command line over to `cli`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line of this process and return its exit status."""
    arguments = sys.argv[1:]
    if arguments and arguments[0].startswith("_"):
        from fediverse_support.cli import children

        return children.run(arguments)
    from fediverse_support.cli import commands

    return commands.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
