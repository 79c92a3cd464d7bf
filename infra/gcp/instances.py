"""How many instances each function may have within the vCPUs that the project may use in its region.

New projects have 10 to 20 (https://cloud.google.com/run/quotas); the numbers in infra/functions.toml add up to more, and a
function whose `max_instances` alone passes the quota cannot be deployed. If all instances may run at once, `ocr` cannot take
from `submit` what agents need.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from infra.gcp.deployment import Deployment
from infra.gcp.settings import Settings
from infra.gcp.steps import Command, gcloud

_FIRST = ("submit", "progress", "ocr")
"""Who gets the next instance: what an agent waits for comes first. The others have one, and need one."""


def quota(deployment: Deployment) -> Command:
    """Return the command that prints the quota, in thousandths of a vCPU.

    https://cloud.google.com/docs/quotas/gcloud-cli-examples
    """
    name = ("CpuAllocPerProjectRegion", "--service=run.googleapis.com", deployment.project_flag)
    return gcloud("beta", "quotas", "info", "describe", *name, "--format=json")


def vcpus(found: Any, region: str) -> int | None:
    """Read the quota of a region from what `quota` prints; None where it says nothing of it."""
    for info in (found or {}).get("dimensionsInfos", []):  # the more specific ones come first
        if info.get("dimensions", {}).get("region", region) == region and "value" in info.get("details", {}):
            return int(info["details"]["value"]) // 1000
    return None


def within(settings: Settings, limit: int) -> Settings:
    """Return the settings with `max_instances` that fit into a number of vCPUs.

    Everyone gets one instance, then `submit`, `progress` and `ocr` one more each in turn, up to what functions.toml says.
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
