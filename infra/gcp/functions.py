"""The five functions, and the scheduler job that calls `sweep`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from infra.gcp.deployment import TOPICS, Deployment
from infra.gcp.grants import ADDRESS_KEY
from infra.gcp.steps import Lookup, Step, gcloud, resource
from infra.spec import FunctionSpec, Settings

SOURCE = ".build/source"
REPOSITORY = "intake"
DIGEST_LABEL = "intake-source"
JOB = "intake-sweep"
DEPLOY_LIMIT_S = 1800
"""A build takes some minutes; gcloud itself gives up later."""
_SWEEP_SECONDS = 320
"""Longer than `sweep` may take, so that the scheduler does not report a running call as failed."""


def environment(deployment: Deployment, settings: Settings, spec: FunctionSpec) -> dict[str, str]:
    """Return the environment variables of a function: those of this deployment, and those of functions.toml."""
    values = {
        "GOOGLE_CLOUD_PROJECT": deployment.project,  # the runtime does not set it
        "BILLS_BUCKET": deployment.bucket,
        **TOPICS,
        "THREADS": str(spec.threads),
    }
    limits = settings.rate_limits
    if spec.name in ("submit", "ocr"):
        values["PAGES_PER_DAY"] = str(limits.pages_per_day)
    if spec.name == "submit":
        values["SUBMISSIONS_PER_HOUR"] = str(limits.submissions_per_hour)
        values["SUBMISSIONS_PER_HOUR_PEER"] = str(limits.submissions_per_hour_peer)
        if deployment.app_check_key:
            values["APP_CHECK_PROJECT"] = "${PROJECT_NUMBER}"
            values["APP_CHECK_KEY"] = deployment.app_check_key  # the next deployment reads it here
    if spec.name in ("record", "sweep"):  # record writes rows and copies, sweep reads lists
        chosen = {
            "SHEET_ID": deployment.sheet,
            "DRIVE_FOLDER": deployment.drive_folder,
            "EXPORT_CSV": deployment.export_csv,
        }
        values |= {name: value for name, value in chosen.items() if value}
    return {**values, **spec.environment}


def function(deployment: Deployment, settings: Settings, spec: FunctionSpec, digest: str) -> Step:
    """Return one function; the digest of its source becomes a label, so that the same source is not built twice."""
    where = (spec.name, "--gen2", deployment.project_flag, f"--region={deployment.region}")
    variables = environment(deployment, settings, spec)
    who = "Anybody, through Hosting," if spec.public else "Our own service accounts, from inside Google Cloud,"
    deploy = [
        *("functions", "deploy", *where),
        f"--runtime={settings.runtime}",
        f"--source={SOURCE}",
        f"--entry-point={spec.name}",
        f"--memory={spec.memory_mb}Mi",
        f"--cpu={spec.cpu}",
        f"--timeout={spec.timeout_s}s",
        f"--concurrency={spec.concurrency}",
        "--min-instances=0",
        f"--max-instances={spec.max_instances}",
        f"--service-account={deployment.account(spec.name)}",
        f"--build-service-account=projects/{deployment.project}/serviceAccounts/{deployment.account('build')}",
        f"--docker-repository=projects/{deployment.project}/locations/{deployment.region}/repositories/{REPOSITORY}",
        f"--ingress-settings={'all' if spec.public else 'internal-only'}",
        # On an existing function this flag removes the role of allUsers, and the form would answer 403 until the role is
        # granted again (gcloud, command_lib/functions/v2/deploy/command.py).
        *(() if spec.public else ("--no-allow-unauthenticated",)),
        "--serve-all-traffic-latest-revision",  # ends a rollback
        f"--update-labels={DIGEST_LABEL}={digest}",
        *_trigger(deployment, spec),
        f"--set-env-vars={','.join(f'{name}={value}' for name, value in variables.items())}",
    ]
    if spec.name == "submit":
        deploy.append(f"--set-secrets=ADDRESS_KEY={ADDRESS_KEY}:latest")
    return Step(
        f"function {spec.name}",
        f"{who} may call it. infra/functions.toml has the reason for each number.",
        (replace(gcloud(*deploy), limit_s=DEPLOY_LIMIT_S),),
        look=gcloud("functions", "describe", *where, "--format=json"),
        compare=lambda found, _values: _same(found, deployment, spec, variables, digest),
        slow=True,
        remove=(replace(gcloud("functions", "delete", *where, "--quiet"), limit_s=DEPLOY_LIMIT_S),),
    )


def generation(deployment: Deployment, spec: FunctionSpec) -> Step:
    """Return the execution environment of a function, for which functions deploy has no flag.

    The first generation starts faster and is the only one below 512 MiB. The second is a whole Linux kernel, so that Landlock
    can sandbox the process that opens files (https://cloud.google.com/run/docs/about-execution-environments).
    """
    where = (spec.name, deployment.project_flag, f"--region={deployment.region}")
    wanted = f"gen{spec.generation}"

    def compare(found: Any, _values: Mapping[str, str]) -> bool:
        annotations = found["spec"]["template"]["metadata"].get("annotations") or {} if found else {}
        return bool(annotations.get("run.googleapis.com/execution-environment") == wanted)

    return Step(
        f"{spec.name} runs in generation {spec.generation}",
        "infra/functions.toml has the reason. A deployment of the function can undo it.",
        (gcloud("run", "services", "update", *where, f"--execution-environment={wanted}"),),
        look=gcloud("run", "services", "describe", *where, "--format=json"),
        compare=compare,
    )


def _trigger(deployment: Deployment, spec: FunctionSpec) -> list[str]:
    if spec.trigger == "http":
        return ["--trigger-http"]
    # --retry: without it a failed event is dropped.
    push = deployment.account("push")
    return [f"--trigger-topic={TOPICS[spec.trigger]}", f"--trigger-service-account={push}", "--retry"]


def _same(found: Any, deployment: Deployment, spec: FunctionSpec, variables: Mapping[str, str], digest: str) -> bool:
    """Return whether a function needs no change, which saves minutes of building."""
    if not found:
        return False
    service, trigger = found.get("serviceConfig", {}), found.get("eventTrigger", {})
    held = service.get("environmentVariables", {})
    ingress = "ALLOW_ALL" if spec.public else "ALLOW_INTERNAL_ONLY"
    return bool(
        found.get("state") == "ACTIVE"
        and found.get("labels", {}).get(DIGEST_LABEL) == digest
        and _mebibytes(service.get("availableMemory", "")) == spec.memory_mb
        and float(service.get("availableCpu", 0)) == spec.cpu
        and service.get("timeoutSeconds") == spec.timeout_s
        and service.get("maxInstanceRequestConcurrency", 1) == spec.concurrency
        and service.get("maxInstanceCount") == spec.max_instances
        and service.get("serviceAccountEmail") == deployment.account(spec.name)
        and service.get("ingressSettings") == ingress
        # A variable whose value is looked up is compared by its presence only.
        and all(held.get(name) == value or ("${" in value and name in held) for name, value in variables.items())
        and set(held) - set(variables) <= {"LOG_EXECUTION_ID"}  # which the platform sets
        and (spec.trigger == "http" or trigger.get("retryPolicy") == "RETRY_POLICY_RETRY")
    )


def _mebibytes(text: str) -> int:
    """Read a size as the API writes it: `512Mi`, `512M`, or `1Gi` (for the API, M is the same as Mi)."""
    match = re.fullmatch(r"(\d+)([MG])i?", text)
    return int(match[1]) * (1024 if match[2] == "G" else 1) if match else 0


def repository(deployment: Deployment) -> Step:
    """Return the repository of the functions' images."""
    where = (REPOSITORY, deployment.project_flag, f"--location={deployment.region}")
    why = "Holds the functions' images. The build can write only here."
    name = f"image repository {REPOSITORY}"
    return resource(name, why, "artifacts repositories", where, ("--repository-format=docker",))


def scheduler(deployment: Deployment) -> tuple[Lookup | Step, ...]:
    """Return what calls `sweep` every minute."""
    project = deployment.project_flag
    where = (JOB, project, f"--location={deployment.region}")
    wanted = (
        "--schedule=* * * * *",
        "--uri=${SWEEP_URL}",
        "--http-method=POST",
        f"--oidc-service-account-email={deployment.account('clock')}",
        "--oidc-token-audience=${SWEEP_URL}",
        f"--attempt-deadline={_SWEEP_SECONDS}s",
    )
    find = ("sweep", "--gen2", project, f"--region={deployment.region}", "--format=value(serviceConfig.uri)")
    why = "Work that stopped continues within minutes. A failed call is not retried, because the next one is a minute away."
    return (
        Lookup("SWEEP_URL", "Address of sweep.", gcloud("functions", "describe", *find)),
        resource(f"scheduler job {JOB}", why, "scheduler jobs", where, wanted, wanted, kind="http"),
        Step(
            f"scheduler job {JOB} is not paused",
            "Only a paused job can be resumed.",
            (gcloud("scheduler", "jobs", "resume", *where),),
            look=gcloud("scheduler", "jobs", "describe", *where, "--format=json"),
            compare=lambda found, _values: (found or {}).get("state") == "ENABLED",
        ),
    )
