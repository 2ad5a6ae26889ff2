"""`python -m truing.cli` is the `truing` command."""

from truing.cli import main

main()
