"""Google Drive stand-in of the local stack: the calls of API v3 that the functions make, over one folder of a Shared Drive.

    python -m infra.local.drive --port 8087 --state .local/drive --folder ID [--control-port 8088]

The folder is shown at http://127.0.0.1:PORT/drive/folders/ID . Where the stand-in is simpler than Google is said in the
modules: api (methods and fields), store (what a restart forgets).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.local import serving
from infra.local.drive.api import DriveApi, control_app
from infra.local.drive.faults import Traffic
from infra.local.drive.page import add_pages
from infra.local.drive.store import Drive


async def _serve(options: argparse.Namespace) -> None:
    drive, traffic = Drive(options.state, options.folder), Traffic()
    app = DriveApi(drive, traffic).app()
    add_pages(app, drive)
    await serving.serve("drive", app, options.port, control_app(drive, traffic), options.control_port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.local.drive", description="Google Drive stand-in.")
    parser.add_argument("--port", type=int, required=True, help="port of the API and the pages; 0: any free one")
    parser.add_argument("--state", type=Path, required=True, metavar="DIR", help="where files are kept")
    parser.add_argument("--folder", required=True, metavar="ID", help="id of the office's folder")
    parser.add_argument("--control-port", type=int, help="port of the control endpoints for tests; default: none")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stand-in until SIGTERM or SIGINT; return the exit status."""
    options = _parser().parse_args(argv)
    try:
        asyncio.run(_serve(options))
    except serving.PortError as exc:
        print(f"drive: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
