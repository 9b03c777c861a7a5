"""``python -m movistream``: the command line."""

from movistream.cli import main

if __name__ == "__main__":
    main()
