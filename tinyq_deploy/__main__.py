# SPDX-License-Identifier: Apache-2.0
"""`tinyq-deploy` and `python -m tinyq_deploy`: runs a command and turns its outcome into an exit code."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the command line."""
    from tinyq_deploy.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
