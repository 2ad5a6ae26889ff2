"""`python -m truing` is the `truing` command."""

from truing.cli import main

main()
