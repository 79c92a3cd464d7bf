"""The status of a deployment on Google Cloud, from Cloud Monitoring.

gcloud has no command that reads time series, so this calls the REST API with gcloud's token
(https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list). Metrics of Cloud Run and Pub/Sub:
https://cloud.google.com/monitoring/api/metrics_gcp.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from infra import spec
from infra.function_status import FunctionStatus, Unknown
from infra.gcp.apply import output
from infra.gcp.deployment import TOPICS, Deployment, dead
from infra.gcp.steps import Command, gcloud

MONITORING = "https://monitoring.googleapis.com"
_TIMEOUT_S = 30
_RUN = 'resource.type="cloud_run_revision"'
_SERVICE, _CLASS = "resource.label.service_name", "metric.label.response_code_class"


def token() -> str:
    """Return gcloud's access token, which is never printed."""
    return output(gcloud("auth", "print-access-token")).strip()


def list_functions(deployment: Deployment) -> Command:
    return gcloud("functions", "list", deployment.project_flag, f"--regions={deployment.region}", "--format=json")


@dataclass(frozen=True)
class Google:
    """Asks about one deployment; `run` runs a command and returns what it printed."""

    deployment: Deployment
    token: str
    endpoint: str = MONITORING
    run: Callable[[Command], str] = output

    def functions(self) -> list[FunctionStatus]:
        """Return the last hour of each function; Unknown if Google refuses."""
        listed = json.loads(self.run(list_functions(self.deployment)) or "[]")
        revisions = {
            entry["name"].rpartition("/")[2]: entry.get("serviceConfig", {}).get("revision", "") for entry in listed
        }
        classes = self._series("request_count", "ALIGN_DELTA", "REDUCE_SUM", (_SERVICE, _CLASS))
        p50, p99 = (
            self._by_service("request_latencies", "ALIGN_DELTA", f"REDUCE_PERCENTILE_{part}") for part in (50, 99)
        )
        memory = self._by_service("container/memory/utilizations", "ALIGN_DELTA", "REDUCE_PERCENTILE_99")
        instances = self._by_service("container/instance_count", "ALIGN_MAX", "REDUCE_SUM", minutes=5)
        found = []
        for name, wanted in spec.read().functions.items():
            calls = {s["metric"]["labels"]["response_code_class"]: _value(s) for s in classes if _service(s) == name}
            found.append(
                FunctionStatus(
                    name,
                    revisions.get(name, "not deployed"),
                    int(instances.get(name, 0)),
                    int(sum(calls.values())),
                    int(calls.get("5xx", 0)),
                    p50.get(name),
                    p99.get(name),
                    memory[name] * wanted.memory_mb if name in memory else None,
                    wanted.memory_mb,
                )
            )
        return found

    def backlog(self) -> dict[str, int | None]:
        """Return the messages that wait for delivery, by topic."""
        # Eventarc's subscriptions are named eventarc-REGION-FUNCTION-...-sub-...
        eventarc = {name: count for name, count in self._undelivered().items() if name.startswith("eventarc-")}
        return {
            TOPICS[each.trigger]: next((n for name, n in eventarc.items() if f"-{each.name}-" in name), None)
            for each in spec.read().functions.values()
            if each.trigger in TOPICS
        }

    def dead_letters(self) -> dict[str, int | None]:
        """Return the dead letters, by topic."""
        waiting = self._undelivered()
        return {topic: waiting.get(dead(topic)) for topic in TOPICS.values()}

    def _undelivered(self) -> dict[str, int]:
        metric = "pubsub.googleapis.com/subscription/num_undelivered_messages"
        query = f'metric.type="{metric}" AND resource.type="pubsub_subscription"'
        found = self._ask(query, "ALIGN_MAX", "REDUCE_MAX", ("resource.label.subscription_id",), minutes=10)
        return {series["resource"]["labels"]["subscription_id"]: int(_value(series)) for series in found}

    def _by_service(self, metric: str, aligner: str, reducer: str, minutes: int = 60) -> dict[str, float]:
        found = self._series(metric, aligner, reducer, (_SERVICE,), minutes)
        return {_service(series): _value(series) for series in found}

    def _series(
        self, metric: str, aligner: str, reducer: str, groups: tuple[str, ...], minutes: int = 60
    ) -> list[dict[str, Any]]:
        return self._ask(f'metric.type="run.googleapis.com/{metric}" AND {_RUN}', aligner, reducer, groups, minutes)

    def _ask(
        self, query: str, aligner: str, reducer: str, groups: tuple[str, ...], minutes: int
    ) -> list[dict[str, Any]]:
        """Return one number per series: the whole window is one alignment period."""
        now = datetime.now(UTC)
        parameters = {
            "filter": query,
            "interval.startTime": (now - timedelta(minutes=minutes)).isoformat(),
            "interval.endTime": now.isoformat(),
            "aggregation.alignmentPeriod": f"{minutes * 60}s",
            "aggregation.perSeriesAligner": aligner,
            "aggregation.crossSeriesReducer": reducer,
            "aggregation.groupByFields": groups,
        }
        url = f"{self.endpoint}/v3/projects/{self.deployment.project}/timeSeries"
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.get(url, params=parameters, headers=headers, timeout=_TIMEOUT_S)
        if not answer.ok:
            raise Unknown(f"Cloud Monitoring answered {answer.status_code}: {_message(answer)}")
        return list(answer.json().get("timeSeries", []))


def _message(answer: requests.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return answer.reason


def _service(series: dict[str, Any]) -> str:
    return str(series["resource"]["labels"]["service_name"])


def _value(series: dict[str, Any]) -> float:
    """Return the newest point; a 64-bit number comes as a text."""
    value = series["points"][0]["value"]
    return float(value.get("doubleValue", value.get("int64Value", 0)))
