"""Run by gcloud's Python: `lint_gcloud.py SDK_ROOT COMMANDS_FILE` is `gcloud meta lint-gcloud-commands --commands-file`.

That command builds gcloud's whole command tree anew for each line, about a second each. Here the tree is built once; the
parser that judges the lines is the same.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(sdk_root: str, commands_file: str) -> None:
    library = Path(sdk_root) / "lib"
    sys.path[:0] = [str(library), str(library / "third_party")]
    from googlecloudsdk import gcloud_main

    make = gcloud_main.CreateCLI
    kept: list[object] = []

    def once(surfaces: list[object], *rest: object, **more: object) -> object:
        if surfaces or rest or more:
            return make(surfaces, *rest, **more)
        if not kept:
            kept.append(make(surfaces))
        return kept[0]

    gcloud_main.CreateCLI = once
    sys.argv = ["gcloud", "meta", "lint-gcloud-commands", f"--commands-file={commands_file}"]
    gcloud_main.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
