#!/usr/bin/env python
"""Django's entry point; `sentrylite` on the command line is the same thing with more to say."""

from sentrylite.cli import main

if __name__ == "__main__":
    main()
