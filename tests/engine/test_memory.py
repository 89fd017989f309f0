from __future__ import annotations

from pathlib import Path

import pytest

from diaphane.engine import memory


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "STATM", tmp_path / "statm")
    monkeypatch.setattr(memory, "CGROUPS", ((tmp_path / "max", tmp_path / "current"),))
    (tmp_path / "meminfo").write_text("MemTotal:  9000 kB\nMemAvailable:   5000 kB\n")
    return tmp_path


def test_the_least_of_machine_container_and_limit_is_free(files: Path) -> None:
    assert memory.free_bytes() == 5000 * 1024
    (files / "max").write_text("max\n")
    (files / "current").write_text("1000000\n")
    assert memory.free_bytes() == 5000 * 1024
    (files / "max").write_text("4000000\n")
    assert memory.free_bytes() == 3_000_000
    (files / "statm").write_text("900 100 50 1 0 200 0\n")
    assert memory.free_bytes(limit=2_000_000) == 2_000_000 - 100 * memory.os.sysconf("SC_PAGE_SIZE")
    assert memory.free_bytes(limit=1) == 0


def test_where_nothing_says_it_is_not_known(files: Path) -> None:
    (files / "meminfo").unlink()
    assert memory.free_bytes() is None
    assert memory.free_bytes(limit=7) == 7
