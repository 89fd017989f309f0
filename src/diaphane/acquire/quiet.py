"""What libraries print about damaged files is said by our own messages, once."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

LOGGERS = ("pydicom", "nibabel", "nibabel.global", "pylibjpeg", "openjpeg", "rle", "nrrd")


@contextmanager
def quiet() -> Iterator[None]:
    """Within it, warnings and the log lines of the format libraries are dropped."""
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    try:
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
