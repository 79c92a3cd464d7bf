"""`python3 -m infra.gcp.stage lifecycle|monitoring|source`: write into .build what the commands of a plan read."""

from __future__ import annotations

import sys

from infra.gcp import observing, settings, staging


def main(what: str) -> None:
    """Stage one thing."""
    {
        "lifecycle": lambda: staging.stage_lifecycle(settings.read()),
        "monitoring": observing.stage,
        "source": staging.stage_source,
    }[what]()


if __name__ == "__main__":
    main(sys.argv[1])
