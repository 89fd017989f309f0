"""Which fusion judges candidates on faces."""

from __future__ import annotations

from typing import NamedTuple

from diaphane import zoo
from diaphane.engine.bundle import Bundle, open_bundle
from diaphane.errors import UsageError
from diaphane.fuse.model import fusion_model
from diaphane.fuse.options import Options

DEFAULT = "ensemble"
"""Of the four the one that was best held out (docs/fuse.md)."""
NAME = "fusion_{}"


class Chosen(NamedTuple):
    """A bundle, or why there is none."""

    bundle: Bundle | None
    why_not: str = ""


def chosen(options: Options) -> Chosen:
    """The bundle that ``options`` mean.

    Raises:
        UsageError: The one that is asked for is not here, or is of another method.
        BundleError: It is damaged.
    """
    if options.method == "rules":
        return Chosen(None)
    name = options.bundle or NAME.format(DEFAULT if options.method == "auto" else options.method)
    if options.bundle is None and options.method == "auto" and name not in zoo.names():
        return Chosen(None, f"{name} is not here")
    bundle = open_bundle(name)
    model = fusion_model(bundle)
    if options.method not in ("auto", model.method):
        raise UsageError(f"the bundle '{bundle.name}' is of the method {model.method}, asked for is {options.method}; leave one of them out")
    return Chosen(bundle)
