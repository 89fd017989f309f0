"""A wheel built from the tree, installed into a bare environment elsewhere, runs the demo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.services
ROOT = Path(__file__).parents[2]


def test_wheel_runs_the_demo_in_a_bare_environment(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("diaphane-*.whl")
    venv.create(tmp_path / "bare", with_pip=True)
    python = tmp_path / "bare" / "bin" / "python"
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    install = [python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel]
    subprocess.run(install, check=True, capture_output=True, env=clean)
    done = subprocess.run([tmp_path / "bare/bin/diaphane", "demo", "--out", "demo"], cwd=tmp_path, capture_output=True, text=True, env=clean, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "demo/index.html").exists()
    doctor = subprocess.run([tmp_path / "bare/bin/diaphane", "doctor", "--json"], capture_output=True, text=True, env=clean, check=True)
    assert json.loads(doctor.stdout)["missing"].keys() == {"torch", "scikit-learn", "matplotlib", "openvino"}
    size = sum(p.stat().st_size for p in (tmp_path / "bare").rglob("*") if p.is_file() and not p.is_symlink())
    assert size < 800e6
