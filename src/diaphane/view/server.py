"""A folder shown to the browser of this machine: read-only, nothing outside it, no request to anywhere else."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

POLICY = (
    "default-src 'none'", "script-src 'self'", "style-src 'self' 'unsafe-inline'", "img-src 'self' data: blob:", "base-uri 'none'", "form-action 'none'",
    "frame-ancestors 'none'",
)  # fmt: skip
HEADERS = {
    "Content-Security-Policy": "; ".join(POLICY),
    "Permissions-Policy": "xr-spatial-tracking=(self), camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
LOOPBACK = "127.0.0.1"
NAMES = (LOOPBACK, "localhost")


class _Files(SimpleHTTPRequestHandler):
    """GET and HEAD of the files below one folder; no list of what a folder holds."""

    server_version = "Diaphane"
    sys_version = ""

    def __init__(self, *args: object, root: Path) -> None:
        self.root = root
        self.extensions_map = SimpleHTTPRequestHandler.extensions_map | {".glb": "model/gltf-binary", ".js": "text/javascript"}
        super().__init__(*args, directory=str(root))  # type: ignore[arg-type]

    def send_head(self) -> BytesIO | BinaryIO | None:
        """The file, opened; None after an error was sent."""
        try:
            if urlsplit(f"//{self.headers.get('Host', '')}").hostname not in NAMES:  # a page elsewhere whose name was pointed here (DNS rebinding)
                self.send_error(HTTPStatus.FORBIDDEN)
            elif self._is_shown():
                return super().send_head()
            else:
                self.send_error(HTTPStatus.NOT_FOUND)
        except (ValueError, OSError):  # an address that is none, a path that the system does not take
            self.send_error(HTTPStatus.BAD_REQUEST)
        return None

    def _is_shown(self) -> bool:
        asked = urlsplit(self.path).path
        path = Path(self.translate_path(self.path)).resolve()
        hidden = any(part.startswith(".") for part in unquote(asked).split("/"))
        return not hidden and path.is_relative_to(self.root) and path.is_file() and not asked.endswith("/")

    def end_headers(self) -> None:
        """What every answer says."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # the name that the library calls it by
        """Nothing: names of files may be those of patients."""


class Server(ThreadingHTTPServer):
    """Shows the folder ``root`` on this machine alone, on a free port where ``port`` is 0. Serve with ``serve_forever``."""

    daemon_threads = True

    def __init__(self, root: Path, port: int = 0) -> None:
        super().__init__((LOOPBACK, port), partial(_Files, root=root.resolve()))

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a browser that goes away is no error here, and what went wrong would name files."""

    def url(self, path: str) -> str:
        """Where a browser finds the file ``path`` of the folder."""
        return f"http://{LOOPBACK}:{self.server_address[1]}/{path}"
