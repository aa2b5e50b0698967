"""`iowitness simulate`: what-if files run, kept, told as tables and as a report."""
