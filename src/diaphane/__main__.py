"""``python -m diaphane``."""

from diaphane.cli.main import entry

entry()
