"""The nouns: numpy and nothing heavier. Import each from its own module."""
