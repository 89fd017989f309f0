"""Versions, engines, processor flags and models: what is here, what is missing, and how to get it."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from importlib import metadata
from typing import Any

LIBRARIES = {
    "numpy": "", "opencv-contrib-python-headless": "", "pillow": "", "onnxruntime": "", "jinja2": "", "scipy": "", "scikit-image": "",
    "nibabel": "", "pynrrd": "", "pydicom": "", "pylibjpeg-openjpeg": "", "pylibjpeg-rle": "", "pyjpegls": "", "highdicom": "",
    "fhir.resources": "", "trimesh": "", "fast-simplification": "",
    "openvino": 'runs networks faster on many processors: pip install "diaphane[openvino]"',
    "torch": 'training needs it: pip install "diaphane[train]"',
    "scikit-learn": 'training needs it: pip install "diaphane[train]"',
    "matplotlib": 'training draws its curves with it: pip install "diaphane[train]"',
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``doctor``."""
    parser.add_argument("--json", action="store_true", help="one JSON document")


def execute(parsed: argparse.Namespace) -> int:
    """Look and tell; 1 where the base install is not complete or a bundle is broken."""
    found = examination()
    if parsed.json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        sys.stdout.write("\n".join(_lines(found)) + "\n")
    return 1 if found["problems"] else 0


def examination() -> dict[str, Any]:
    """Everything that ``doctor`` says."""
    from diaphane import zoo
    from diaphane.engine.bundle import open_bundle
    from diaphane.engine.machine import cores, cpu_flags, cpu_model
    from diaphane.engine.pinned import SETS, is_here
    from diaphane.errors import BundleError

    versions, missing, problems = {}, {}, []
    for name, why in LIBRARIES.items():
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing[name] = why or "part of the base install: pip install diaphane"
            problems += [] if why else [f"{name} is not installed"]
    for pulled, members in SETS.items():
        if not all(map(is_here, members)):
            missing[f"weights of {pulled}"] = f"the trackers convnet and framework need them: diaphane models pull {pulled}"
    models = {}
    for name in zoo.names():
        try:
            models[name] = open_bundle(name).weights_sha256
        except BundleError as problem:
            problems.append(str(problem))
    return {
        "diaphane": metadata.version("diaphane"), "python": platform.python_version(), "system": platform.platform(),
        "cpu": {"model": cpu_model(), "cores": cores(), "flags": list(cpu_flags())}, "engines": engines(), "libraries": versions,
        "missing": missing, "models": models, "problems": problems,
    }  # fmt: skip


def engines() -> list[str]:
    """What can run a bundle here, the portable one first: version, device and, where the device says it, precisions."""
    try:
        import onnxruntime
    except ImportError:
        return []
    from diaphane.engine.machine import has_openvino

    found = [f"onnxruntime {onnxruntime.__version__}: {p}" for p in onnxruntime.get_available_providers()]
    return found + (_openvino_devices() if has_openvino() else [])


def _openvino_devices() -> list[str]:
    from diaphane.engine.open_vino import openvino, runs_bfloat16

    try:
        library = openvino()
        devices = library.Core().available_devices
        able = ["float32", *["bfloat16"] * runs_bfloat16(), "int8"]
    except Exception as problem:  # it raises bare classes of its own; a broken one is told, not a reason to stop
        return [f"openvino: does not start ({str(problem)[:100]})"]
    return [f"openvino {library.__version__.partition('-')[0]}: {device}, {', '.join(able)}" for device in devices]


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"diaphane {found['diaphane']}, Python {found['python']}, {found['system']}"]
    lines.append(f"processor: {found['cpu']['model']}, {found['cpu']['cores']} cores, {' '.join(found['cpu']['flags']) or 'no known vector extension'}")
    lines += [f"engine: {engine}" for engine in found["engines"]]
    lines += [f"library: {name} {version}" for name, version in found["libraries"].items()]
    lines += [f"missing: {name} ({why})" for name, why in found["missing"].items()]
    lines += [f"model: {name} {sha[:16]}… verified" for name, sha in found["models"].items()]
    lines += [f"problem: {problem}" for problem in found["problems"]]
    return [*lines, "all is well" if not found["problems"] else "see the problems above"]
