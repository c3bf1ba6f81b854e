"""`refact-tui`: the terminal program, or with a verb the shell's way to the same engine."""

import sys


def main() -> None:
    """Open the screen without arguments, else run a verb; ends the process with the exit status."""
    if len(sys.argv) == 1:
        from refact_tui.app import run

        run()
        return
    from refact_tui.cli import tree

    sys.exit(tree.main(sys.argv[1:]))


if __name__ == "__main__":
    main()
