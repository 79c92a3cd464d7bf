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

from infra.gcp import destroy, instances, preflight, printing, redrive, settings, staging
from infra.gcp.apply import Runner, StepFailed, run
from infra.gcp.deployment import DEFAULT_REGION, BadOption, Deployment
from infra.gcp.plan import plan
from infra.gcp.steps import gcloud


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./deploy.sh", description=(__doc__ or "").partition(": ")[2])
    commands = parser.add_subparsers(dest="command", required=True)
    gcp = commands.add_parser("gcp", help="make or update the deployment")
    gcp.add_argument(
        "--sheet", default="", metavar="ID", help="spreadsheet for the rows: its address between /d/ and /edit"
    )
    gcp.add_argument("--drive-folder", default="", metavar="ID", help="Shared Drive folder for copies of the bills")
    gcp.add_argument("--alert-email", default="", metavar="ADDRESS", help="who is told when something is wrong")
    gcp.add_argument(
        "--app-check-key", default="", metavar="KEY", help="reCAPTCHA Enterprise site key: only the page may submit"
    )
    gcp.add_argument("--plan", action="store_true", help="print every command without running any")
    gcp.add_argument("--yes", action="store_true", help="do not ask before beginning")
    taken = commands.add_parser("destroy", help="take back what gcp made; bills, database and Sheet stay")
    taken.add_argument("--with-data", action="store_true", help="also delete all bills and the database, for good")
    taken.add_argument("--yes", action="store_true", help="do not ask (data is asked for all the same)")
    again = commands.add_parser("redrive", help="send dead letters on their way again")
    for command in (gcp, taken, again):
        command.add_argument("--project", metavar="ID", required=True, help="Google Cloud project")
        command.add_argument("--region", default=DEFAULT_REGION, help="region (default: %(default)s)")
    return parser


def main(argv: Sequence[str] | None = None, sleep: Callable[[float], None] = time.sleep) -> int:
    """Run one command and return the exit status: 0 done, 1 failed, 2 bad usage.

    Args:
        argv: The arguments; those of the process if None.
        sleep: Waits between attempts, seconds.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = _parser().parse_args(arguments)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        deployment = _deployment(options)
        runner = Runner(print, shlex.join(["./deploy.sh", *arguments]), sleep)
        if options.command == "gcp":
            return _deploy(options, deployment, runner)
        _check_gcloud()
        if options.command == "redrive":
            redrive.redrive(deployment, print)
            return 0
        return _destroy(options, deployment, runner)
    except BadOption as exc:
        print(exc, file=sys.stderr)
        return 2
    except StepFailed as exc:
        print(f"\n{exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Everything done so far is kept; the same command continues from here.", file=sys.stderr)
        return 130


def _deployment(options: argparse.Namespace) -> Deployment:
    chosen = {
        name: getattr(options, name)
        for name in ("sheet", "drive_folder", "alert_email", "app_check_key")
        if hasattr(options, name)
    }
    return Deployment(options.project, options.region, **chosen)


def _deploy(options: argparse.Namespace, deployment: Deployment, runner: Runner) -> int:
    settled, source = settings.read(), staging.source_digest()
    if options.plan:
        parts = plan(deployment, settled, source)
        heading = f"GreenWatt Intake in project {deployment.project}, {deployment.region}."
        print(printing.script(list(preflight.looks(deployment, settled)), parts, heading), end="")
        return 0
    account = _check_gcloud()
    deployment = _remembered(deployment)
    print(f"GreenWatt Intake into project {deployment.project}, {deployment.region}, as {account}.")
    if not _nothing_in_the_way(deployment, settled):
        return 1
    if not options.yes and not _agreed("Go on? --plan shows every command first. [y/N] "):
        return 1
    first, *_ = plan(deployment, settled, source)
    runner.carry_out([first])
    settled = _within_quota(deployment, settled)  # its API is enabled only now
    runner.carry_out(plan(deployment, settled, source)[1:])
    print(_closing(deployment, runner.values["SITE_URL"]))
    return 0


def _nothing_in_the_way(deployment: Deployment, settled: settings.Settings) -> bool:
    """Say what was found before anything is changed; False where the deployment is sure to fail."""
    print("Looking first; nothing is changed yet.")
    found = list(preflight.find(deployment, settled))
    fine = [look.name for look, finding in found if finding is None]
    print(f"  as it should be: {', '.join(fine)}")
    unseen: dict[str, list[str]] = {}
    for look, finding in found:
        if finding and finding.unseen:
            unseen.setdefault(finding.text, []).append(look.name)
    for text, names in unseen.items():
        print(f"  not looked at: {', '.join(names)}: {text}")
    for stops, mark in ((False, "note"), (True, "MISSING")):
        for look, finding in found:
            if finding and finding.stops == stops and not finding.unseen:
                print(f"  {mark}: {look.name}: {finding.text}.")
    if not deployment.sheet:
        print("  note: no --sheet is given: bills are taken in and read, and their rows wait until there is one.")
    if any(finding and finding.stops for _look, finding in found):
        print("Nothing was changed. Mend what is missing, then run the same command again.", file=sys.stderr)
        return False
    return True


def _within_quota(deployment: Deployment, settled: settings.Settings) -> settings.Settings:
    done = run(instances.quota(deployment))
    limit = None if done.returncode else instances.vcpus(json.loads(done.stdout), deployment.region)
    if limit is None:
        print("  note: the quota of vCPUs could not be read; instances are those of infra/functions.toml")
        return settled
    return instances.within(settled, limit)


def _check_gcloud() -> str:
    """Return the account that gcloud uses; nothing is logged in here.

    Raises:
        StepFailed: gcloud is missing, or nobody is logged in.
    """
    if shutil.which("gcloud") is None:
        raise StepFailed("The gcloud CLI is not installed: https://cloud.google.com/sdk/docs/install")
    done = run(gcloud("auth", "list", "--filter=status:ACTIVE", "--format=value(account)"))
    account = done.stdout.strip()
    if done.returncode or not account:
        raise StepFailed(
            "gcloud has no account to work as. Log in first, for the commands and for the Firebase CLI:\n"
            "  gcloud auth login\n  gcloud auth application-default login"
        )
    return account


def _remembered(deployment: Deployment) -> Deployment:
    """Fill in what a run before this one was told and this one is not, from the functions that use it."""
    held = {**_environment(deployment, "submit"), **_environment(deployment, "record")}
    return replace(
        deployment,
        sheet=deployment.sheet or held.get("SHEET_ID", ""),
        drive_folder=deployment.drive_folder or held.get("DRIVE_FOLDER", ""),
        app_check_key=deployment.app_check_key or held.get("APP_CHECK_KEY", ""),
    )


def _environment(deployment: Deployment, function: str) -> dict[str, str]:
    """Return the variables of a deployed function; none where it is not there, or any trouble stops the first step."""
    where = (function, "--gen2", deployment.project_flag, f"--region={deployment.region}", "--format=json")
    done = run(gcloud("functions", "describe", *where))
    if done.returncode:
        return {}
    return dict(json.loads(done.stdout).get("serviceConfig", {}).get("environmentVariables", {}))


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        print("Nobody can be asked here; give --yes to go on.", file=sys.stderr)
        return False
    return input(question).strip().lower() in ("y", "yes")


def _closing(deployment: Deployment, url: str) -> str:
    lines = [
        f"\nDone. The form is at {url}",
        "Share the Sheet with these accounts, as an editor:",
        f"  {deployment.account('record')}",
        f"  {deployment.account('sweep')}",
    ]
    if deployment.drive_folder:
        lines.append(f"and make {deployment.account('record')} a content manager of the Shared Drive.")
    lines.append("Then see whether everything holds: ./deploy.sh check --project " + deployment.project)
    return "\n".join([*lines, f"Watch it: ./deploy.sh status --project {deployment.project}"])


def _destroy(options: argparse.Namespace, deployment: Deployment, runner: Runner) -> int:
    kept = (
        "Bills, database and Sheet stay." if not options.with_data else "ALL BILLS AND THE DATABASE GO TOO, for good."
    )
    print(f"This takes GreenWatt Intake out of project {deployment.project}, {deployment.region}. {kept}")
    if options.with_data:
        if input(f"Type the project's id ({deployment.project}) to delete all of it: ").strip() != deployment.project:
            print("Nothing was done.")
            return 1
    elif not options.yes and not _agreed("Go on? [y/N] "):
        return 1
    runner.remove(destroy.removals(deployment, settings.read(), with_data=options.with_data))
    print("Done.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
