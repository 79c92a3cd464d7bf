"""What Cloud Monitoring takes in an alert policy or a chart, beyond what the types say, and a look for what breaks it.

aligners, reducers   https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies#Aggregation: which metric
                     kinds and value types each is valid for, and what it returns; the same texts are in gcloud's own
                     lib/googlecloudsdk/generated_clients/apis/monitoring/v3/monitoring_v3_messages.py
durations            the same page, MetricThreshold and MetricAbsence
Google's metrics     https://cloud.google.com/monitoring/api/metrics_gcp_p_z (Pub/Sub, Cloud Run)
our metrics          infra/monitoring/metrics
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from infra.gcp import observing

NUMBERS = {"INT64", "DOUBLE"}
SAME = "same"


class Kind(NamedTuple):
    """Metric kind and value type."""

    metric: str
    value: str


class Rule(NamedTuple):
    """Metric kinds and value types that an aligner or reducer takes; metric kind and value type that it returns."""

    metrics: set[str]
    values: set[str]
    metric: str
    value: str


_POINTS = {"GAUGE", "DELTA"}
_PERCENTILE = Rule(_POINTS, {"DISTRIBUTION"}, "GAUGE", "DOUBLE")
ALIGNERS = {
    "ALIGN_DELTA": Rule({"CUMULATIVE", "DELTA"}, NUMBERS | {"DISTRIBUTION"}, "DELTA", SAME),
    "ALIGN_RATE": Rule({"CUMULATIVE", "DELTA"}, NUMBERS, "GAUGE", "DOUBLE"),
    "ALIGN_MIN": Rule(_POINTS, NUMBERS, "GAUGE", SAME),
    "ALIGN_MAX": Rule(_POINTS, NUMBERS, "GAUGE", SAME),
    "ALIGN_MEAN": Rule(_POINTS, NUMBERS, "GAUGE", "DOUBLE"),
    "ALIGN_COUNT": Rule(_POINTS, NUMBERS | {"BOOL"}, "GAUGE", "INT64"),
    "ALIGN_SUM": Rule(_POINTS, NUMBERS | {"DISTRIBUTION"}, "GAUGE", SAME),
    **{f"ALIGN_PERCENTILE_{part}": _PERCENTILE for part in ("99", "95", "50", "05")},
}
_ANY_NUMBER = NUMBERS | {"DISTRIBUTION"}
REDUCERS = {
    "REDUCE_MEAN": Rule(_POINTS, _ANY_NUMBER, SAME, "DOUBLE"),
    "REDUCE_MIN": Rule(_POINTS, NUMBERS, SAME, SAME),
    "REDUCE_MAX": Rule(_POINTS, NUMBERS, SAME, SAME),
    "REDUCE_SUM": Rule(_POINTS, _ANY_NUMBER, SAME, SAME),
    "REDUCE_COUNT": Rule(_POINTS, _ANY_NUMBER | {"BOOL", "STRING"}, SAME, "INT64"),
    **{f"REDUCE_PERCENTILE_{part}": Rule(_POINTS, _ANY_NUMBER, SAME, "DOUBLE") for part in ("99", "95", "50", "05")},
}
METRICS = {
    "run.googleapis.com/request_count": Kind("DELTA", "INT64"),
    "run.googleapis.com/request_latencies": Kind("DELTA", "DISTRIBUTION"),
    "run.googleapis.com/container/memory/utilizations": Kind("DELTA", "DISTRIBUTION"),
    "run.googleapis.com/container/instance_count": Kind("GAUGE", "INT64"),
    "pubsub.googleapis.com/subscription/num_undelivered_messages": Kind("GAUGE", "INT64"),
}
for _path in observing.files("metrics"):
    _descriptor = json.loads(_path.read_text())["metricDescriptor"]
    METRICS[f"logging.googleapis.com/user/{_path.stem}"] = Kind(_descriptor["metricKind"], _descriptor["valueType"])


def faults_of_policy(policy: dict[str, Any]) -> list[str]:
    """Return what Google would refuse in an alert policy, or what would never raise the alert."""
    found = []
    for condition in policy["conditions"]:
        found += [f"{condition['displayName']}: {fault}" for fault in _faults_of_condition(condition)]
    return found


def _faults_of_condition(condition: dict[str, Any]) -> Iterator[str]:
    absent = "conditionAbsent" in condition
    part = condition["conditionAbsent" if absent else "conditionThreshold"]
    seconds = int(part["duration"].removesuffix("s"))
    if seconds % 60 or (absent and not 120 <= seconds <= 84_600):
        yield f"a duration of {seconds} s: whole minutes, and for an absence 2 minutes to 23.5 hours"
    if "thresholdValue" not in part and not absent:
        yield "no thresholdValue"
    for suffix, lists in (("", "aggregations"), ("denominator", "denominatorAggregations")):
        if suffix and "denominatorFilter" not in part:
            continue
        query = part["denominatorFilter" if suffix else "filter"]
        yield from faults_of_query(query, part.get(lists, []), single=True)
        if absent and "crossSeriesReducer" not in part["aggregations"][-1]:
            # A new revision or instance starts a new series, and the old one ends: that would look like silence.
            yield "an absence is judged for each series; reduce them to one"
        shapes = [(a.get("alignmentPeriod"), a.get("groupByFields")) for a in part.get(lists, [])]
        if suffix and shapes != [(a.get("alignmentPeriod"), a.get("groupByFields")) for a in part["aggregations"]]:
            yield "numerator and denominator have to have the same periods and groups"


def faults_of_query(query: str, aggregations: list[dict[str, Any]], *, single: bool) -> Iterator[str]:
    """Yield what Google would refuse in a filter with its aggregations.

    Args:
        query: A monitoring filter.
        aggregations: One, or a second one that works on the result of the first.
        single: Whether the result has to be numbers; a chart may show distributions, as a heatmap.
    """
    names = re.findall(r'metric\.type="([^"]+)"', query)
    if len(names) != 1 or names[0] not in METRICS or "resource.type=" not in query:
        yield f"one metric that is known, and its resource type: {query}"
        return
    kind = METRICS[names[0]]
    for aggregation in aggregations:
        period = int(aggregation["alignmentPeriod"].removesuffix("s"))
        if not 60 <= period <= 90_000:
            yield f"an alignment period of {period} s: 60 s to 25 h"
        for table, key in ((ALIGNERS, "perSeriesAligner"), (REDUCERS, "crossSeriesReducer")):
            name = aggregation.get(key)
            if name is None and key == "crossSeriesReducer":
                continue
            rule = table.get(str(name))
            if rule is None or kind.metric not in rule.metrics or kind.value not in rule.values:
                yield f"{name} is not for {kind.metric} {kind.value} ({names[0]})"
                return
            kind = Kind(
                kind.metric if rule.metric == SAME else rule.metric, kind.value if rule.value == SAME else rule.value
            )
    if single and kind.value not in NUMBERS:
        yield f"a threshold needs numbers, not {kind.value}"


def queries_of_dashboard(document: Any) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each filter of a dashboard with its aggregation, wherever it stands."""
    if isinstance(document, dict):
        if "filter" in document:
            yield document["filter"], [document["aggregation"]]
        document = list(document.values())
    if isinstance(document, list):
        for part in document:
            yield from queries_of_dashboard(part)
