"""A case in the browser: the page to walk around it, else its report; a server on this machine alone, until Ctrl-C.

  diaphane view case
  diaphane view case --no-browser --port 8080

With a headset: docs/view.md.
"""

from __future__ import annotations

import argparse
import sys
import webbrowser
from pathlib import Path

from diaphane.core.case_folder import PAGE, REPORT
from diaphane.errors import UsageError

INTERRUPTED = "the case is no longer shown"
PAGES = (PAGE, REPORT, "index.html")
"""The first that is there is opened; the last is that of several cases."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of ``view``."""
    parser.add_argument("case", type=Path, metavar="CASE", help="a case folder, or the folder of several")
    parser.add_argument("--port", type=int, default=0, help="of the server; by default a free one")
    parser.add_argument("--no-browser", action="store_true", help="only say the address")


def execute(parsed: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from diaphane.view.server import Server

    page = next((name for name in PAGES if (parsed.case / name).is_file()), None)
    if page is None:
        raise UsageError(f"{parsed.case}: holds none of {', '.join(PAGES)}; give a folder that diaphane run made")
    if not 0 <= parsed.port <= 65535:
        raise UsageError(f"--port must lie between 0 and 65535, got {parsed.port}")
    try:
        server = Server(parsed.case, parsed.port)
    except OSError as problem:
        raise UsageError(f"port {parsed.port} cannot be had ({problem.strerror}); take another, or none for a free one") from problem
    with server:
        address = server.url(page)
        sys.stdout.write(f"{address}\nCtrl-C ends it.\n")
        sys.stdout.flush()
        if not parsed.no_browser:
            webbrowser.open(address)
        server.serve_forever()
    return 0
