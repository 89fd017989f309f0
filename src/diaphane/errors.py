"""Every error that Diaphane raises on purpose, and the exit code each one gives.

::

    DiaphaneError                  1  failed
    ├── UsageError (ValueError)    2  wrong use: an option, a plan, an argument
    ├── InputError (ValueError)    2  an input that is missing, empty or unreadable
    │   └── TooLargeError (MemoryError) 2  one that needs more memory than there is
    ├── RefusedError (ValueError)  3  the input gate refuses: readable, but not what the model is for
    ├── BundleError (ValueError)   1  a model bundle that is incomplete, altered or malformed
    ├── StorageError (OSError)     1  the case folder cannot be written
    └── TrainingError (RuntimeError) 1  a training that diverged, ran out of memory, or cannot go on from where it was

Each is also a built-in, so that ``except ValueError`` does what a reader expects. A message says what
must hold, what was found, and what to do. It carries nothing of the patient but the path that the caller gave. A traceback means a bug.
"""

from __future__ import annotations


class DiaphaneError(Exception):
    """The root of every error raised on purpose; ``exit_code`` is what the command line returns."""

    exit_code = 1


class UsageError(DiaphaneError, ValueError):
    """Wrong use: an unknown option, a plan that cannot be read, arguments that contradict."""

    exit_code = 2


class InputError(DiaphaneError, ValueError):
    """An input that is missing, empty, truncated or not what its name says."""

    exit_code = 2


class TooLargeError(InputError, MemoryError):
    """An input needs more memory than there is; told before it is taken."""


class RefusedError(DiaphaneError, ValueError):
    """The input gate refuses: the file was read, but no model here was made for it."""

    exit_code = 3


class BundleError(DiaphaneError, ValueError):
    """A model bundle that is incomplete, altered (checksum) or malformed."""


class StorageError(DiaphaneError, OSError):
    """The case folder cannot be written: no space, no permission, not a folder."""


class TrainingError(DiaphaneError, RuntimeError):
    """A training that diverged, ran out of memory, or whose checkpoint is damaged or of something else."""
