"""Lightness: the command line starts before a reader looks up."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "pydicom", "cv2", "vtkmodules", "fastapi", "starlette", "numpy", "onnxruntime", "PIL", "jinja2", "sklearn")


def loaded_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nsys.stdout.write('\\nLOADED ' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.rpartition("LOADED ")[2].split()}


def test_import_loads_nothing_heavy() -> None:
    assert loaded_after("import diaphane; dir(diaphane); diaphane.InputError").isdisjoint(HEAVY)


def test_help_loads_nothing_heavy() -> None:
    code = "from diaphane.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert loaded_after(code).isdisjoint(HEAVY)


def test_public_names_are_there() -> None:
    import diaphane

    assert all(getattr(diaphane, name) is not None for name in diaphane.__all__)


def test_help_takes_less_than_300_ms_of_processor_time() -> None:
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run([sys.executable, '-m', 'diaphane', '--help'], stdout=subprocess.DEVNULL, check=True)\n"
        "u = resource.getrusage(resource.RUSAGE_CHILDREN)\nsys.stdout.write(str(u.ru_utime + u.ru_stime))"
    )
    times = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout) for _ in range(3)]
    assert min(times) < 0.3
