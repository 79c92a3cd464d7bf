"""`deploy.sh gcp`, `destroy` and `redrive` against stand-ins that keep state: what is run, when, and what is said."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import spec
from infra.gcp import apply, instances, observing
from infra.gcp.failures import KNOWN, known
from infra.gcp.steps import Command
from tests.deploy.conftest import ALL, SHEET, Machine

FirstRun = tuple[subprocess.CompletedProcess[str], str]
ON_HAND = "projects/my-project/notificationChannels/by-hand"


def left(state: dict[str, Any]) -> dict[str, object]:
    """Return the project without the notes of what was run."""
    for dashboard in state.get("dashboards", {}).values():
        dashboard.pop("etag", None)  # a new one with each change
    return {name: table for name, table in state.items() if name not in ("log", "refused")}


def succeeds(machine: Machine, *arguments: str, **environment: str) -> str:
    done = machine.deploy(*arguments, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_run_makes_everything(first_run: FirstRun) -> None:
    """Functions, dead letters on the subscriptions that Eventarc made, alerts that reach somebody, and next steps."""
    said, made = first_run[0].stdout, json.loads(first_run[1])
    assert "The form is at https://my-project.web.app" in said
    assert "intake-record@my-project.iam.gserviceaccount.com" in said
    assert set(made["functions"]) == set(spec.read().functions)
    pushed = [s["dead-letter-topic"] for n, s in made["subscriptions"].items() if "eventarc" in n]
    assert pushed == [f"projects/my-project/topics/{name}-requests-dead" for name in ("ocr", "sheet")]
    assert made["functions"]["ocr"]["eventTrigger"]["retryPolicy"] == "RETRY_POLICY_RETRY"
    assert len(made["policies"]) == len(observing.files("alerts"))
    assert all(policy["notificationChannels"] for policy in made["policies"].values())
    fields = made["indexes"]["fieldOverrides"]
    assert [field["fieldPath"] for field in fields if field.get("ttl")] == ["expire_at"]
    assert all(field["indexes"] == [] for field in fields)
    # What it could not see did not stop it.
    assert "Could not check the vCPU quota" in said


def test_the_first_run_leaves_gcloud_and_the_secret_alone(first_run: FirstRun) -> None:
    """Every change names its project, nothing logs in or sets a configuration, and the secret is seen nowhere."""
    done, state = first_run[0], json.loads(first_run[1])
    changes = [line for line in state["log"] if line.startswith("gcloud")]
    assert all("my-project" in line for line in changes)
    assert not [line for line in changes if re.search(r"gcloud (config|auth|init)", line)]
    assert state["secrets"]["intake-address-key"]["characters"] == 44  # 32 bytes in base64
    assert not re.search(r"[A-Za-z0-9+/]{43}=", done.stdout + done.stderr + first_run[1])


def test_what_passes_by_itself_is_waited_for(first_run: FirstRun) -> None:
    """New accounts, metrics, the Eventarc agent and changes side by side are refused at first: reported, and tried again."""
    counts = json.loads(first_run[1])["refused"]
    assert {name.partition(" ")[0] for name in counts} == {"account", "metrics", "eventarc", "policy", "indexes"}
    assert min(counts.values()) > 1
    waits = re.findall(r"Trying again in (\d+) s", first_run[0].stdout)
    assert len(waits) == sum(1 for name in counts if name != "metrics") + 3


def test_what_does_not_pass_is_given_up(machine: Machine) -> None:
    """After 11 minutes of trying the run stops, and says what is known of the failure and from where."""
    done = machine.deploy(*ALL, FAKE_CLOUD_FAIL="metrics create", FAKE_CLOUD_SAYS="ERROR: UNAVAILABLE: try later")
    assert done.returncode == 1
    assert done.stdout.count("Trying again") > 10
    assert "(source: https://" in done.stderr


def by_hand(state: dict[str, Any]) -> None:
    """Change something of every kind that a later run has to put back."""
    state["functions"]["ocr"]["serviceConfig"]["availableMemory"] = "1Gi"
    state["run"]["ocr"]["run.googleapis.com/execution-environment"] = "gen1"
    state["subscriptions"]["projects/my-project/subscriptions/eventarc-record-1-sub"]["ack-deadline"] = "10"
    state["jobs"]["intake-sweep"]["state"] = "PAUSED"
    state["iam"]["run services submit"]["roles/run.invoker"] = []
    next(iter(state["policies"].values()))["combiner"] = "older"
    next(iter(state["dashboards"].values()))["mosaicLayout"] = {}  # refused without the etag that was found


@pytest.mark.parametrize(
    ("change", "built"), [(lambda state: None, []), (by_hand, ["ocr"])], ids=["nothing", "by hand"]
)
def test_another_run_leaves_or_puts_back(deployed: Machine, change: Callable[[Any], None], built: list[str]) -> None:
    """It ends as the first run did, builds only what differs, and knows the Sheet, which is not named again."""
    before = deployed.state
    state = deployed.state
    change(state)
    deployed.change(state)
    said = succeeds(deployed)
    assert left(deployed.state) == left(before)
    assert "function record: no change" in said
    new = deployed.state["log"][len(before["log"]) :]
    assert [line.split()[3] for line in new if "functions deploy" in line] == built
    assert not [line for line in new if re.search(r" (policies|dashboards|channels) create", line)]


def test_alerts_keep_who_is_told(deployed: Machine) -> None:
    """A run without an address keeps our channel and one added by hand; a new address changes our channel."""
    state = deployed.state
    (ours,) = state["channels"]
    name = next(iter(state["policies"]))
    state["policies"][name]["notificationChannels"].append(ON_HAND)
    deployed.change(state)
    succeeds(deployed)
    assert deployed.state["policies"][name]["notificationChannels"] == [ours, ON_HAND]
    succeeds(deployed, "--alert-email=new@example.com")
    assert list(deployed.state["channels"]) == [ours]
    assert deployed.state["channels"][ours]["update-channel-labels"] == "email_address=new@example.com"


def test_an_upgrade_never_closes_the_form(deployed: Machine) -> None:
    """While new versions are deployed, anybody can call submit: no command takes the role away."""
    old = deployed.state
    for function in old["functions"].values():
        function["labels"] = {"intake-source": "older"}
    deployed.change(old)
    assert deployed.deploy(FAKE_CLOUD_FAIL="add-iam-policy-binding submit").returncode == 1
    assert deployed.state["iam"]["run services submit"] == {"roles/run.invoker": ["allUsers"]}
    redeployed = [line for line in deployed.state["log"] if "functions deploy submit" in line]
    assert len(redeployed) == 2
    assert "--serve-all-traffic-latest-revision" in redeployed[1]  # ends a roll-back


def test_a_crowded_project(machine: Machine) -> None:
    """Where `allUsers` is forbidden, names are taken, and vCPUs are few, the deployment finds another way."""
    rule = {"rules": [{"values": {"allowedValues": ["C01abcdef"]}}]}
    project = {
        "restricted": True,
        "constraints": {"iam.allowedPolicyMemberDomains": rule},
        "taken_sites": ["my-project"],
        "vcpus": 10,
    }
    machine.change({"log": [], "project": project, "firebase": {"project": True, "apps": {"Shop": "1:1:web:9"}}})
    said = succeeds(machine, *ALL)
    assert "--no-invoker-iam-check" in said
    open_ones = [n for n, s in machine.state["run"].items() if "run.googleapis.com/invoker-iam-disabled" in s]
    assert open_ones == ["submit", "progress"]
    assert "The form is at https://intake-123456789012.web.app" in said
    firebase = machine.state["firebase"]
    assert firebase["site"] == "intake-123456789012"
    app = firebase["apps"]["GreenWatt Intake"]
    assert firebase["config"]["appId"] == app != "1:1:web:9"
    (address,) = firebase["app_check"]
    assert f"projects/123456789012/apps/{app}/recaptchaEnterpriseConfig" in address
    held = {n: f["serviceConfig"]["maxInstanceCount"] for n, f in machine.state["functions"].items()}
    assert held == {"submit": 3, "progress": 3, "ocr": 2, "record": 1, "sweep": 1}
    assert "function ocr: no change" in succeeds(machine)


def test_the_form_goes_to_the_default_site(machine: Machine) -> None:
    """A project may have other sites, and its default one another name."""
    sites = {"shop": "USER_SITE", "my-project-1a2b": "DEFAULT_SITE"}
    machine.change({"log": [], "firebase": {"project": True, "sites": sites}})
    succeeds(machine, *ALL)
    assert machine.state["firebase"]["site"] == "my-project-1a2b"


@given(st.integers(5, 60))
def test_instances_at_every_quota(limit: int) -> None:
    """All together stay within it, nobody has none, submit is never behind ocr, and with enough all have what they want."""
    wanted = spec.read().functions
    specs = instances.within(spec.read(), limit).functions
    together = sum(each.max_instances for each in specs.values())
    assert together == min(limit, sum(each.max_instances for each in wanted.values()))
    assert all(1 <= specs[name].max_instances <= wanted[name].max_instances for name in wanted)
    assert specs["submit"].max_instances >= min(specs["ocr"].max_instances, wanted["submit"].max_instances)


STOPS = (
    "services identity create --service=eventarc",
    "hosting:sites:create",
    "service-accounts create intake-push",
    "only=firestore",
    "functions deploy record",
    "subscriptions update",
    "only=hosting",
    "policies create",
)


def test_every_failure_can_be_gone_on_from(machine: Machine, first_run: FirstRun) -> None:
    """Stopped again and again, each time further on, the same command ends with what one undisturbed run makes."""
    for stop in STOPS:
        failed = machine.deploy(*ALL, FAKE_CLOUD_FAIL=stop)
        assert failed.returncode == 1, stop
        assert "Stopped at: " in failed.stderr
        assert f"The service is broken: {stop}" in failed.stderr
        assert f"./deploy.sh gcp --project=my-project --yes --sheet={SHEET}" in failed.stderr
    succeeds(machine, *ALL)
    undisturbed = left(json.loads(first_run[1]))
    for again in ("dashboards", "channels"):  # the one counts commands, the other was updated
        undisturbed.pop(again)
    assert {name: table for name, table in machine.state.items() if name in undisturbed} == undisturbed
    deployed = [line.split()[3] for line in machine.state["log"] if "functions deploy" in line]
    assert deployed == ["submit", "progress", "ocr", "record", "sweep"]  # nothing is built twice


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["--project=My_Project"], 2, "--project 'My_Project' is not a project ID"),
        (["--project=my-project", "--region=virginia"], 2, "--region 'virginia' is not a region"),
        (["--project=my-project", "--sheet=https://docs.google.com/x"], 2, "between /d/ and /edit"),
        (["--project=my-project", "--alert-email=nobody"], 2, "is not one email address"),
        (["--project=my-project"], 1, "--yes"),
    ],
)
def test_what_stops_before_any_change(machine: Machine, arguments: list[str], status: int, sentence: str) -> None:
    """An impossible value is refused with the rule; without --yes and without a person nothing is done."""
    done = machine.run("gcp", *arguments)
    assert (done.returncode, machine.state["log"]) == (status, [])
    assert sentence in done.stderr


def test_nobody_logged_in(machine: Machine) -> None:
    """Nothing is run, and the two commands that log in are named."""
    done = machine.deploy(FAKE_CLOUD_ACCOUNT="")
    assert (done.returncode, machine.state["log"]) == (1, [])
    assert "gcloud auth login" in done.stderr
    assert "gcloud auth application-default login" in done.stderr


def test_all_that_is_missing_is_said_at_once(machine: Machine) -> None:
    """Billing, a policy, the region and the Sheet, each with what to do; certain failures stop the run before any change."""
    constraints = {"iam.disableServiceAccountCreation": {"rules": [{"enforce": True}]}}
    machine.change({"log": [], "project": {"billing": False, "constraints": constraints, "shared": []}})
    done = machine.deploy(*ALL, "--region=us-east44")
    assert (done.returncode, machine.state["log"]) == (1, [])
    for finding in (
        "ERROR: billing: The project has no billing account. Link one: https://",
        "ERROR: organization policy iam.disableServiceAccountCreation: ",
        "ERROR: region: us-east44 does not exist. Choose one of: us-central1, us-east4.",
        "note: Sheet: Share the Sheet ",
        "note: Firebase terms: ",
        "note: bucket region: ",
    ):
        assert finding in done.stdout
    assert "Nothing was changed" in done.stderr


def test_another_region_than_the_datas(deployed: Machine) -> None:
    """A run with another region is stopped and told which one to give, instead of making a second set."""
    before = deployed.state["log"]
    other = deployed.deploy(*ALL, "--region=us-central1")
    assert (other.returncode, deployed.state["log"]) == (1, before)
    assert "Use --region=us-east4" in other.stdout


def test_denied_is_not_missing(deployed: Machine) -> None:
    """A function that nobody may look at is not taken for one that is not there."""
    gcloud = Path(deployed.path.partition(":")[0]) / "gcloud"
    denial = "PERMISSION_DENIED: Project [my-project] not found or permission denied."
    case = f'case "$*" in *"functions describe submit"*) echo "{denial}" >&2; exit 1;; esac'
    gcloud.write_text(f"#!/bin/sh\n{case}\n" + gcloud.read_text().partition("\n")[2])
    before = deployed.state["log"]
    done = deployed.deploy(*ALL)
    assert done.returncode == 1
    assert "Stopped at: function submit" in done.stderr
    assert "lists the required roles" in done.stderr
    assert not [line for line in deployed.state["log"][len(before) :] if "functions deploy" in line]


def test_a_function_of_another_kind_is_not_taken_for_ours(machine: Machine) -> None:
    """A first-generation function with the same name stops the run; "already exists" is no success there."""
    says = "ERROR: Failed to create function, function `submit` already exists under Gen 1 environment."
    done = machine.deploy(*ALL, FAKE_CLOUD_FAIL="functions deploy submit", FAKE_CLOUD_SAYS=says)
    assert done.returncode == 1
    assert "Stopped at: function submit" in done.stderr
    assert "another project, or delete" in done.stderr


def test_destroy_keeps_the_data_unless_the_project_is_named(deployed: Machine) -> None:
    """First all but bills and database goes; a second time there is nothing to do; the data needs the project's ID."""
    destroy = ("destroy", "--project=my-project")
    done = deployed.run(*destroy, "--yes")
    assert done.returncode == 0, done.stderr
    state = deployed.state
    ignored = ("log", "services", "iam", "refused", "young", "run", "rules", "indexes")
    assert {name for name, table in state.items() if table and name not in ignored} == {
        "buckets",
        "databases",
        "firebase",
    }
    assert "site" not in state["firebase"]
    for resource in ("projects my-project", "storage buckets gs://my-project-bills"):
        held = [member for members in state["iam"][resource].values() for member in members]
        assert not [member for member in held if "gcp-sa-" not in member]  # Google's own accounts keep theirs
    again = deployed.run(*destroy, "--yes")
    assert again.returncode == 0, again.stderr
    assert again.stdout.count(": deleted") == 1  # switching the site off twice is harmless
    wrong = deployed.run(*destroy, "--with-data", "--yes", said="yes\n")
    assert wrong.returncode == 1
    assert deployed.state["buckets"]
    right = deployed.run(*destroy, "--with-data", said="my-project\n")
    assert right.returncode == 0, right.stderr
    assert not deployed.state["buckets"]
    assert not deployed.state["databases"]


def letter(number: int, body: dict[str, object]) -> dict[str, object]:
    return {"ackId": f"ack-{number}", "message": {"data": base64.b64encode(json.dumps(body).encode()).decode()}}


def test_redrive_sends_every_letter_once_and_then_takes_it_off(machine: Machine) -> None:
    """Dead letters of both topics are published again; equal ones once; what could not be published stays."""
    ocr, sheet = (f"projects/my-project/subscriptions/{name}-requests-dead" for name in ("ocr", "sheet"))
    one, two = {"intake_id": "a" * 32, "chunk": 0}, {"intake_id": "b" * 32, "chunk": 1}
    letters = {ocr: [letter(1, one), letter(2, two), letter(3, one)], sheet: [letter(4, {"intake_id": "c" * 32})]}
    machine.change({"log": [], "letters": letters})
    stop = "topics publish projects/my-project/topics/sheet"
    assert machine.run("redrive", "--project=my-project", FAKE_CLOUD_FAIL=stop).returncode == 1
    assert len(machine.state["letters"][sheet]) == 1
    assert machine.state["letters"][ocr] == []
    done = machine.run("redrive", "--project=my-project")
    assert done.returncode == 0, done.stderr
    assert "sheet-requests: 1 dead letter" in done.stdout
    assert machine.state["letters"] == {ocr: [], sheet: []}
    assert len([line for line in machine.state["log"] if "topics publish" in line]) == 3


def test_a_command_that_hangs_is_stopped_and_named() -> None:
    """It ends with all that it started, and the sentence says which command it was and what to do."""
    began = time.monotonic()
    with pytest.raises(apply.TimedOut, match=r"(?s)did not finish within .*sleep 61.*run the same command again"):
        apply.run(Command(("bash", "-c", "sleep 61 & sleep 61"), limit_s=0.3))
    assert time.monotonic() - began < 10


def test_each_known_failure_says_what_to_do() -> None:
    """Each has a source; one that does not pass by itself names a way out."""
    for failure in KNOWN:
        assert re.search(r"https://|firebase-tools, ", failure.source)
        assert failure.passes or re.search(r"https://|Ask |lists the required roles|npx ", failure.means)


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("ERROR: (gcloud.functions.deploy) INVALID_ARGUMENT: Max instances must be set to 10 or fewer", "fewer vCPUs"),
        ("FAILED_PRECONDITION: due to quota restrictions, cannot run builds in this region", "--region=us-central1"),
        ("PERMISSION_DENIED: This API method requires billing to be enabled", "no billing account"),
        ("Error: Failed to add Firebase to Google Cloud Platform project.", "forceCheckTos=true"),
        ("HTTP Error: 403, The API requires a quota project, which is not set by default", "npx firebase-tools login"),
        ("FAILED_PRECONDITION: One or more users do not belong to a permitted customer.", "domain restricted sharing"),
        ("PERMISSION_DENIED: Permission 'run.services.update' denied on resource", "lists the required roles"),
        ("something that nobody has seen before", None),
    ],
)
def test_what_google_says_is_known(said: str, means: str | None) -> None:
    """Messages as others have reported them lead to what to do, also those that only look like a lack of rights."""
    failure = known(said)
    assert (failure is None) if means is None else (failure is not None and means in failure.means)
