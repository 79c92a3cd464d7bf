"""How many instances each function gets within the project's quota of vCPUs in its region.

New projects have 10 to 20 vCPUs (https://cloud.google.com/run/quotas). infra/functions.toml asks for more in total, and a
function whose `max_instances` exceeds the quota cannot be deployed. When all instances fit, `ocr` takes none from `submit`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from infra.gcp.deployment import Deployment
from infra.gcp.steps import Command, gcloud
from infra.spec import Settings

_FIRST = ("submit", "progress", "ocr")
"""Order in which functions get another instance: first what an agent waits for. The others need only one."""


def quota(deployment: Deployment) -> Command:
    """Return the command that prints the quota, in thousandths of a vCPU.

    https://cloud.google.com/docs/quotas/gcloud-cli-examples
    """
    name = ("CpuAllocPerProjectRegion", "--service=run.googleapis.com", deployment.project_flag)
    return gcloud("beta", "quotas", "info", "describe", *name, "--format=json")


def vcpus(found: Any, region: str) -> int | None:
    """Return the quota of a region from what `quota` prints, or None if it is not there."""
    for info in (found or {}).get("dimensionsInfos", []):  # the more specific ones come first
        if info.get("dimensions", {}).get("region", region) == region and "value" in info.get("details", {}):
            return int(info["details"]["value"]) // 1000
    return None


def within(settings: Settings, limit: int) -> Settings:
    """Return the settings with `max_instances` that fit into a number of vCPUs.

    Each function gets one instance. Then `submit`, `progress`, and `ocr` get one more in turn, up to what functions.toml says.
    """
    specs = settings.functions
    given = dict.fromkeys(specs, 1)
    while True:
        before = dict(given)
        for name in _FIRST:
            used = sum(specs[function].cpu * count for function, count in given.items())
            if given[name] < specs[name].max_instances and used + specs[name].cpu <= limit:
                given[name] += 1
        if given == before:
            return replace(settings, functions={n: replace(s, max_instances=given[n]) for n, s in specs.items()})
