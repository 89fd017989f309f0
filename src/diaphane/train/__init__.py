"""Train: everything that is fitted, from labelled data to a model bundle. Needs the ``train`` extra."""
