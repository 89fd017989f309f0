from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from diaphane.view.server import Server


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Server]:
    case = tmp_path / "case"
    (case / "view").mkdir(parents=True)
    (case / "view" / "index.html").write_text("<p>here")
    (case / "scene.glb").write_bytes(b"glTF")
    (case / ".hidden").write_text("no")
    (tmp_path / "secret.txt").write_text("no")
    (case / "way-out.txt").symlink_to(tmp_path / "secret.txt")
    with Server(case) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def answer(server: Server, path: str, method: str = "GET", **headers: str) -> HTTPResponse:
    connection = HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    connection.request(method, path, headers=headers)
    found = connection.getresponse()
    found.read()
    connection.close()
    return found


def test_files_of_the_folder_are_shown_with_safe_headers(served: Server) -> None:
    found = answer(served, "/view/index.html")
    assert found.status == 200
    assert "default-src 'none'" in found.headers["Content-Security-Policy"]
    assert found.headers["X-Content-Type-Options"] == "nosniff"
    assert "xr-spatial-tracking=(self)" in found.headers["Permissions-Policy"]
    assert "Python" not in found.headers["Server"]
    assert answer(served, "/scene.glb").headers["Content-Type"] == "model/gltf-binary"


UP = ["/../secret.txt", "/%2e%2e/secret.txt", "/view/..%2f..%2fsecret.txt", "/way-out.txt", "//etc/passwd"]


@pytest.mark.parametrize("path", [*UP, "/.hidden", "/view/", "/", "/nothing", "/scene.glb/"])
def test_nothing_else_is_shown(served: Server, path: str) -> None:
    assert answer(served, path).status in (301, 404)
    assert answer(served, path, "HEAD").status in (301, 404)


@pytest.mark.parametrize(("path", "host"), [("/%00", "localhost"), ("/" + "a" * 5000, "localhost"), ("http://[x/", "localhost"), ("/scene.glb", "[::1")])
def test_addresses_that_are_none_are_told_so_without_a_word_on_the_terminal(served: Server, path: str, host: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert answer(served, path, Host=host).status in (400, 403, 404)
    assert capfd.readouterr().err == ""


def test_browser_that_goes_away_is_no_error(served: Server, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_connection(served.server_address[:2]) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(b"GET /scene.glb HTTP/1.1\r\nHost: localhost\r\n")
    assert answer(served, "/scene.glb").status == 200
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed(served: Server, method: str) -> None:
    assert answer(served, "/scene.glb", method).status == 501


def test_another_name_for_this_machine_is_refused(served: Server) -> None:
    assert answer(served, "/view/index.html", Host="elsewhere.example").status == 403
    assert answer(served, "/view/index.html", Host="localhost:1").status == 200


def test_only_this_machine_can_ask(served: Server) -> None:
    assert served.server_address[0] == "127.0.0.1"
    assert served.url("view/index.html") == f"http://127.0.0.1:{served.server_address[1]}/view/index.html"
