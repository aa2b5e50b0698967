"""`python -m iowitness`: the same as the console script."""

from iowitness.command_line import main

main()
