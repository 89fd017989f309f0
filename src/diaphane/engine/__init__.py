"""The engine: runs a model bundle, without torch."""
