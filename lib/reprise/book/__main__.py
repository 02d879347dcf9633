"""Command line of the book: ``python -m reprise.book build``."""

import sys

from reprise.book.build import main

if __name__ == "__main__":
    sys.exit(main())
