"""The bundles that this project ships, made: ``make train-zoo``."""
