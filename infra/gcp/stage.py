"""`python3 -m infra.gcp.stage lifecycle|monitoring|source`: write into .build what the commands of a plan read."""

from __future__ import annotations

import sys

from infra.gcp import observing, settings, staging


def main(what: str, etag: str = "") -> None:
    """Stage one thing; `etag` is that of the dashboard that is there."""
    if what == "monitoring":
        observing.stage(etag)
    elif what == "source":
        staging.stage_source()
    else:
        staging.stage_lifecycle(settings.read())


if __name__ == "__main__":
    main(*sys.argv[1:])
