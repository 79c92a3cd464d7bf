"""ListSync a deployment back: everything that the plan makes, in the opposite order; the data only when asked for by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from infra.gcp import hosting
from infra.gcp.deployment import Deployment
from infra.gcp.plan import plan
from infra.gcp.settings import Settings
from infra.gcp.steps import Lookup, Step


def removals(deployment: Deployment, settings: Settings, *, with_data: bool) -> Iterator[Step | Lookup]:
    """Yield what is to be taken away.

    The bills, the database and the Sheet stay unless `with_data`; the Sheet stays always. APIs stay enabled, the project stays
    a Firebase project and Google's own accounts keep their role, which cost nothing. Deleting an event function deletes its
    trigger and its subscription.

    Args:
        deployment: The deployment.
        settings: What infra/functions.toml says.
        with_data: Whether bills, words and database go too.
    """
    # Whatever was chosen at some time is taken back.
    everything = replace(deployment, drive_folder="x" * 10, alert_email="nobody@example.com")
    yield from hosting.site_lookups(deployment)
    items = [item for part in plan(everything, settings, "") for item in part.items]
    steps = [item for item in items if isinstance(item, Step) and item.remove]
    yield from (step for step in reversed(steps) if not step.data)
    if with_data:
        yield from (step for step in reversed(steps) if step.data)
