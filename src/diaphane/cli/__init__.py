"""The command line: the door from a shell. Each command loads what it needs when it runs."""
