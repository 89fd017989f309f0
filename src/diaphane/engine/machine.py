"""What of this machine decides how fast an engine is."""

from __future__ import annotations

import os
import platform
import re
import sys
from functools import cache
from importlib import metadata, util
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "neon", "asimd", "asimddp", "i8mm", "bf16")
BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")


@cache
def cpu_flags() -> tuple[str, ...]:
    """Those of the processor's vector extensions that matter here; none where the system does not tell."""
    if not CPUINFO.is_file():
        return ()
    known = set(re.findall(r"\w+", CPUINFO.read_text(encoding="utf-8", errors="replace")))
    return tuple(flag for flag in FLAGS if flag in known)


@cache
def cpu_model() -> str:
    """As the system calls the processor."""
    listed = re.search(r"^model name\s*:\s*(.+)$", CPUINFO.read_text(encoding="utf-8", errors="replace"), re.M) if CPUINFO.is_file() else None
    return listed[1] if listed else platform.processor() or platform.machine()


def has_bfloat16() -> bool:
    """Whether the processor lists bfloat16; where nothing is listed, the engine alone must know."""
    return not CPUINFO.is_file() or any(flag in BFLOAT16 for flag in cpu_flags())


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def has_openvino() -> bool:
    """Whether it is installed; it is not loaded for that."""
    return util.find_spec("openvino") is not None


def version_of(package: str) -> str:
    """As installed; empty where it is not."""
    for name in (package, f"{package}-gpu", f"{package}-directml"):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return ""


def cache_folder() -> Path:
    """Where the system wants what can be lost without harm."""
    if given := os.environ.get("XDG_CACHE_HOME"):
        return Path(given) / "diaphane"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "diaphane" / "cache"
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "diaphane"


def data_folder() -> Path:
    """Where the system wants what took a download and is not the user's own work."""
    if given := os.environ.get("XDG_DATA_HOME"):
        return Path(given) / "diaphane"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "diaphane" / "data"
    return Path.home() / ("Library/Application Support" if sys.platform == "darwin" else ".local/share") / "diaphane"
