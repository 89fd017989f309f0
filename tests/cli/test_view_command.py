from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

from tests.conftest import CommandLine


def test_case_is_served_until_interrupted(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("the report")
    command = [sys.executable, "-m", "diaphane", "view", str(tmp_path), "--no-browser"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  # where the suite runs in the background, it is ignored
    ) as shown:  # fmt: skip
        try:
            address = shown.stdout.readline().strip()  # type: ignore[union-attr]
            assert address.endswith("/report.html")
            with urlopen(address, timeout=20) as answer:
                assert answer.read() == b"the report"
            shown.send_signal(signal.SIGINT)
            _, said = shown.communicate(timeout=20)
        finally:
            shown.kill()  # or a server that does not end would hold the suite for ever
    assert shown.returncode == 130
    assert said == "diaphane view: interrupted; the case is no longer shown\n"


def test_folder_that_is_no_case_is_wrong_use(cli: CommandLine, tmp_path: Path) -> None:
    done = cli("view", tmp_path, "--no-browser")
    assert done.returncode == 2
    assert "holds none of view/index.html, report.html, index.html" in done.stderr


def test_port_out_of_range_is_wrong_use(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("the report")
    assert "--port must lie between 0 and 65535, got 70000" in cli("view", tmp_path, "--no-browser", "--port", "70000").stderr
