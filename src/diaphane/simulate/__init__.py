"""Simulate: made input with known truth."""
