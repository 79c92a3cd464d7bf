"""`./deploy.sh gcp | destroy | redrive`: the deployment on Google Cloud."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from infra import spec
from infra.gcp import instances, preflight, redrive, staging
from infra.gcp.apply import Runner, StepFailed, run
from infra.gcp.deployment import DEFAULT_REGION, BadOption, Deployment
from infra.gcp.plan import plan, removals
from infra.gcp.steps import comment, gcloud, printed

_CHOICES = ("sheet", "drive_folder", "export_csv", "alert_email", "app_check_key")
_LEGEND = (
    "This is a list for reading; nothing was run. 'Check' lines change nothing. If a check finds that nothing has to change, "
    "the commands below it do not run. 'If it exists' replaces the command above it. ${FOUND} and ${HELD} come from the check. "
    "Commands that fail only because Google is not ready yet are retried for up to 11 minutes."
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./deploy.sh", description=(__doc__ or "").partition(": ")[2])
    commands = parser.add_subparsers(dest="command", required=True)
    gcp = commands.add_parser("gcp", help="create or update the deployment")
    for option, what, text in (
        ("--sheet", "ID", "spreadsheet for the rows: the part of its address between /d/ and /edit"),
        ("--drive-folder", "ID", "Shared Drive folder for copies of the bills"),
        ("--export-csv", "0|1", "whether to write recorded intakes to exports/YYYY-MM.csv in the bucket, too"),
        ("--alert-email", "ADDRESS", "who gets the alerts"),
        ("--app-check-key", "KEY", "reCAPTCHA Enterprise site key: only our page can submit"),
    ):
        gcp.add_argument(option, default="", metavar=what, help=text)
    gcp.add_argument("--plan", action="store_true", help="print every command and run none")
    gcp.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    destroy = commands.add_parser("destroy", help="delete what gcp created; bills, database, and Sheet stay")
    destroy.add_argument("--with-data", action="store_true", help="also delete all bills and the database, permanently")
    destroy.add_argument("--yes", action="store_true", help="do not ask for confirmation, except for --with-data")
    again = commands.add_parser("redrive", help="send dead letters again")
    for command in (gcp, destroy, again):
        command.add_argument("--project", metavar="ID", required=True, help="Google Cloud project")
        command.add_argument("--region", default=DEFAULT_REGION, help="region (default: %(default)s)")
    return parser


def main(argv: Sequence[str] | None = None, sleep: Callable[[float], None] = time.sleep) -> int:
    """Run one command and return the exit status: 0 success, 1 failure, 2 bad usage. `sleep` waits between attempts."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = _parser().parse_args(arguments)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        chosen = {name: getattr(options, name, "") for name in _CHOICES}
        deployment = Deployment(options.project, options.region, **chosen)
        runner = Runner(shlex.join(["./deploy.sh", *arguments]), sleep)
        if options.command == "gcp":
            return _deploy(options, deployment, runner)
        _account()
        if options.command == "redrive":
            redrive.redrive(deployment)
            return 0
        return _destroy(options, deployment, runner)
    except BadOption as exc:
        print(exc, file=sys.stderr)
        return 2
    except StepFailed as exc:
        print(f"\n{exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Everything done so far is kept. Continue with the same command.", file=sys.stderr)
        return 130


def _deploy(options: argparse.Namespace, deployment: Deployment, runner: Runner) -> int:
    settings, source = spec.read(), staging.source_digest()
    where = f"project {deployment.project}, region {deployment.region}"
    if options.plan:
        print(*comment(f"GreenWatt Intake in {where}."), *comment(_LEGEND), sep="\n")
        print("\n# === Before any change")
        print(*(f"# Check {c.name}: {c.command.shell()}" for c in preflight.checks(deployment, settings)), sep="\n")
        print(*(line for part in plan(deployment, settings, source) for line in printed(part)), sep="\n")
        return 0
    account = _account()
    deployment = _remembered(deployment)
    print(f"Deploying GreenWatt Intake to {where}, as {account}.")
    if not preflight.passes(deployment, settings):
        print("Nothing was changed. Fix the errors, then run the same command again.", file=sys.stderr)
        return 1
    if not options.yes and not _confirmed("Continue? To see every command first, use --plan. [y/N] "):
        return 1
    first, *_ = plan(deployment, settings, source)
    runner.apply([first])
    settings = _within_quota(deployment, settings)  # the API for it is enabled only now
    runner.apply(plan(deployment, settings, source)[1:])
    record, project = deployment.account("record"), deployment.project
    print(f"\nDone. The form is at {runner.values['SITE_URL']}")
    print(f"Share the Sheet with these accounts, as an editor:\n  {record}\n  {deployment.account('sweep')}")
    if deployment.drive_folder:
        print(f"Add {record} to the Shared Drive as a content manager.")
    print(f"To test the deployment: ./deploy.sh check --project {project}")
    print(f"To monitor it: ./deploy.sh status --project {project}")
    return 0


def _within_quota(deployment: Deployment, settings: spec.Settings) -> spec.Settings:
    done = run(instances.quota(deployment))
    limit = None if done.returncode else instances.vcpus(json.loads(done.stdout), deployment.region)
    if limit is None:
        print("  note: The vCPU quota cannot be read. Instances are those of infra/functions.toml.")
        return settings
    return instances.within(settings, limit)


def _account() -> str:
    """Return the account that gcloud uses; this command never logs in.

    Raises:
        StepFailed: gcloud is missing, or nobody is logged in.
    """
    if shutil.which("gcloud") is None:
        raise StepFailed("The gcloud CLI is not installed: https://cloud.google.com/sdk/docs/install")
    done = run(gcloud("auth", "list", "--filter=status:ACTIVE", "--format=value(account)"))
    account = done.stdout.strip()
    if done.returncode or not account:
        raise StepFailed(
            "You are not logged in. Log in for gcloud and for the Firebase CLI:\n"
            "  gcloud auth login\n  gcloud auth application-default login"
        )
    return account


def _remembered(deployment: Deployment) -> Deployment:
    """Fill in the options of an earlier run that this one does not name, from the functions that use them."""
    held: dict[str, str] = {}
    for function in ("submit", "record"):
        where = (function, "--gen2", deployment.project_flag, f"--region={deployment.region}", "--format=json")
        done = run(gcloud("functions", "describe", *where))
        if not done.returncode:  # any problem other than a missing function stops the first step
            held |= json.loads(done.stdout).get("serviceConfig", {}).get("environmentVariables", {})
    return replace(
        deployment,
        sheet=deployment.sheet or held.get("SHEET_ID", ""),
        drive_folder=deployment.drive_folder or held.get("DRIVE_FOLDER", ""),
        export_csv=deployment.export_csv or held.get("EXPORT_CSV", ""),
        app_check_key=deployment.app_check_key or held.get("APP_CHECK_KEY", ""),
    )


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        print("This is not a terminal. To continue without confirmation, use --yes.", file=sys.stderr)
        return False
    return input(question).strip().lower() in ("y", "yes")


def _destroy(options: argparse.Namespace, deployment: Deployment, runner: Runner) -> int:
    print(f"This deletes GreenWatt Intake from project {deployment.project}, region {deployment.region}.")
    if options.with_data:
        question = f"ALL BILLS AND THE DATABASE are deleted permanently. To confirm, type {deployment.project}: "
        if input(question).strip() != deployment.project:
            print("Nothing was deleted.")
            return 1
    else:
        print("Bills, database, and Sheet stay.")
        if not options.yes and not _confirmed("Continue? [y/N] "):
            return 1
    runner.remove(removals(deployment, spec.read(), with_data=options.with_data))
    print("Done.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
