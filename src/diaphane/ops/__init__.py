"""Verbs that two stages or more share."""
