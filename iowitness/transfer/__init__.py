"""Records to and from files and terminals: what `produce` and `consume` are made of."""
