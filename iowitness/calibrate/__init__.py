"""`iowitness calibrate`: this machine measured, and written down as a preset."""
