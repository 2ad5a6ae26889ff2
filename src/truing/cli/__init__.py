"""The command line: parse, call, show."""


def main() -> None:
    """The `truing` command."""
    from truing.cli.app import main as run

    run()
