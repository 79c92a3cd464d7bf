"""`deploy.sh gcp`, `destroy` and `redrive` against stand-ins that keep state: what is run, when, and what is said."""

from __future__ import annotations

import base64
import json
import re
import subprocess

import pytest

from tests.deploy.conftest import ALL, SHEET, Machine

FirstRun = tuple[subprocess.CompletedProcess[str], str]


def test_the_first_run_makes_everything(first_run: FirstRun) -> None:
    """Functions, dead letters on the subscriptions that Eventarc made, alerts that tell somebody, and what is left to do."""
    said, made = first_run[0].stdout, json.loads(first_run[1])
    assert "The form is at https://my-project.web.app" in said
    assert "intake-record@my-project.iam.gserviceaccount.com" in said
    assert set(made["functions"]) == {"submit", "progress", "ocr", "record", "sweep"}
    letters = [s["deadLetterPolicy"]["deadLetterTopic"] for n, s in made["subscriptions"].items() if "eventarc" in n]
    assert sorted(letters) == [
        "projects/my-project/topics/ocr-requests-dead",
        "projects/my-project/topics/sheet-requests-dead",
    ]
    assert made["functions"]["ocr"]["eventTrigger"]["retryPolicy"] == "RETRY_POLICY_RETRY"
    assert len(made["policies"]) == 7
    assert all(policy["notificationChannels"] for policy in made["policies"].values())


def test_a_second_run_changes_nothing(deployed: Machine) -> None:
    """It says so, and knows the Sheet of the first run, which need not be named again."""
    before = deployed.state
    done = deployed.deploy()
    assert done.returncode == 0, done.stderr
    assert deployed.state == before
    assert "nothing was changed" in done.stdout
    assert "making it" not in done.stdout
    assert "function record: as wanted" in done.stdout


def test_what_was_changed_by_hand_is_mended_alone(deployed: Machine) -> None:
    """A function's memory, a subscription's deadline and a paused clock come back, and nothing else is run."""
    machine = deployed
    made = machine.state
    by_hand = machine.state
    by_hand["functions"]["ocr"]["serviceConfig"]["availableMemory"] = "1Gi"
    subscription = next(name for name in by_hand["subscriptions"] if "eventarc-us-east4-record" in name)
    by_hand["subscriptions"][subscription]["ackDeadlineSeconds"] = 10
    by_hand["jobs"]["intake-sweep"]["state"] = "PAUSED"
    machine.change(by_hand)
    third = machine.deploy()
    assert third.returncode == 0, third.stderr
    new = machine.state["log"][len(made["log"]) :]
    assert [re.sub(r" (--|http).*", "", line) for line in new] == [
        "gcloud functions deploy ocr",
        f"gcloud pubsub subscriptions update {subscription}",
        "gcloud scheduler jobs update",
        "gcloud scheduler jobs resume intake-sweep",
    ]
    assert "0 made, 3 changed" in third.stdout


def test_a_failure_stops_and_the_same_command_goes_on(machine: Machine) -> None:
    """The first failure names the step, the command and the way on; what was done is found as wanted afterwards."""
    failed = machine.deploy(*ALL, FAKE_CLOUD_FAIL="functions deploy record")
    assert failed.returncode == 1
    assert "Stopped at: function record" in failed.stderr
    assert "gcloud functions deploy record --gen2" in failed.stderr
    assert "The service is currently unavailable" in failed.stderr
    assert f"./deploy.sh gcp --project=my-project --yes --sheet={SHEET}" in failed.stderr
    before = machine.state["log"]
    assert not any("sweep" in line and "functions deploy" in line for line in before)
    resumed = machine.deploy(*ALL)
    assert resumed.returncode == 0, resumed.stderr
    added = machine.state["log"][len(before) :]
    assert added[0].startswith("gcloud functions deploy record")
    assert len(set(machine.state["log"])) == len(machine.state["log"])  # nothing was done twice


def test_no_command_touches_the_persons_gcloud(first_run: FirstRun) -> None:
    """Every change names its project, nothing logs in or sets a configuration, and the secret is seen nowhere."""
    done, state = first_run[0], json.loads(first_run[1])
    changes = [line for line in state["log"] if line.startswith("gcloud")]
    assert all("my-project" in line for line in changes)
    assert not [line for line in changes if re.search(r"gcloud (config|auth|init)", line)]
    assert state["secrets"]["intake-address-key"]["characters"] == 44  # 32 bytes in base64
    assert not re.search(r"[A-Za-z0-9+/]{43}=", done.stdout + done.stderr + first_run[1])


def test_nobody_logged_in(machine: Machine) -> None:
    """Without an account nothing is run, and the two commands that log in are named."""
    done = machine.deploy(FAKE_CLOUD_ACCOUNT="")
    assert done.returncode == 1
    assert "gcloud auth login" in done.stderr
    assert "gcloud auth application-default login" in done.stderr
    assert machine.state["log"] == []


def test_it_asks_first(machine: Machine) -> None:
    """Where nobody can be asked, nothing is done without --yes."""
    done = machine.run("gcp", "--project=my-project")
    assert done.returncode == 1
    assert "--yes" in done.stderr
    assert machine.state["log"] == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--project=My_Project"], "--project 'My_Project' is not a project id"),
        (["--project=my-project", "--region=virginia"], "--region 'virginia' is not a region"),
        (["--project=my-project", "--sheet=https://docs.google.com/x"], "between /d/ and /edit"),
        (["--project=my-project", "--alert-email=nobody"], "is not one e-mail address"),
    ],
)
def test_bad_options(machine: Machine, arguments: list[str], sentence: str) -> None:
    """A value that cannot be right is refused with the rule, before anything is asked of Google."""
    done = machine.run("gcp", *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr


def test_another_region_than_the_datas(deployed: Machine) -> None:
    """A run with another region stops at the bucket and says which region to give, instead of making a second set."""
    machine = deployed
    before = machine.state["log"]
    other = machine.deploy(*ALL, "--region=us-central1")
    assert other.returncode == 1
    assert "Give --region=us-east4" in other.stderr
    assert machine.state["log"] == before


def test_denied_is_not_missing(machine: Machine) -> None:
    """A thing that nobody may look at is not taken for one that is not there."""
    gcloud = machine.path.partition(":")[0] + "/gcloud"
    with open(gcloud, encoding="utf-8") as file:
        text = file.read()
    denial = "PERMISSION_DENIED: Permission denied on resource (or it may not exist)."
    script = (
        f'#!/bin/sh\ncase "$*" in *"buckets describe"*) echo "{denial}" >&2; exit 1;; esac\n' + text.partition("\n")[2]
    )
    with open(gcloud, "w", encoding="utf-8") as file:
        file.write(script)
    done = machine.deploy(*ALL)
    assert done.returncode == 1
    assert "Stopped at: bucket my-project-bills" in done.stderr
    assert not any("buckets create" in line for line in machine.state["log"])


def test_destroy_keeps_the_data(deployed: Machine) -> None:
    """Everything that gcp made goes, bills and database stay; a second time there is nothing to do; gcp makes it anew."""
    machine = deployed
    done = machine.run("destroy", "--project=my-project", "--yes")
    assert done.returncode == 0, done.stderr
    left = {name: table for name, table in machine.state.items() if table and name not in ("log", "services", "iam")}
    assert set(left) == {"buckets", "databases", "ttls", "unindexed", "indexes", "firebase"}
    assert left["firebase"] == {"project": True, "apps": ["GreenWatt Intake"]}
    for resource in ("projects my-project", "storage buckets gs://my-project-bills"):
        assert not [binding for binding in machine.state["iam"][resource] if binding["members"]]
    before = machine.state["log"]
    again = machine.run("destroy", "--project=my-project", "--yes")
    assert again.returncode == 0, again.stderr
    assert "0 things were removed" in again.stdout
    assert machine.state["log"] == before


def test_destroy_with_data_wants_the_projects_name(deployed: Machine) -> None:
    """Bills and database go only after the project's id was typed, whatever --yes says."""
    machine = deployed
    before = machine.state["log"]
    wrong = machine.run("destroy", "--project=my-project", "--with-data", "--yes", said="yes\n")
    assert wrong.returncode == 1
    assert machine.state["log"] == before
    right = machine.run("destroy", "--project=my-project", "--with-data", said="my-project\n")
    assert right.returncode == 0, right.stderr
    assert not machine.state["buckets"]
    assert not machine.state["databases"]
    assert not machine.state["accounts"]


def letter(number: int, body: dict[str, object]) -> dict[str, object]:
    return {"ackId": f"ack-{number}", "message": {"data": base64.b64encode(json.dumps(body).encode()).decode()}}


def test_redrive_sends_every_letter_once_and_then_takes_it_off(machine: Machine) -> None:
    """Dead letters of both topics are published again; equal ones once; what could not be published stays."""
    ocr, sheet = (f"projects/my-project/subscriptions/{name}-requests-dead" for name in ("ocr", "sheet"))
    one, two = {"intake_id": "a" * 32, "chunk": 0}, {"intake_id": "b" * 32, "chunk": 1}
    letters = {ocr: [letter(1, one), letter(2, two), letter(3, one)], sheet: [letter(4, {"intake_id": "c" * 32})]}
    machine.change({"log": [], "letters": letters})
    broken = machine.run(
        "redrive", "--project=my-project", FAKE_CLOUD_FAIL="topics publish projects/my-project/topics/sheet"
    )
    assert broken.returncode == 1
    assert len(machine.state["letters"][sheet]) == 1
    assert machine.state["letters"][ocr] == []
    done = machine.run("redrive", "--project=my-project")
    assert done.returncode == 0, done.stderr
    assert "sheet-requests: 1 dead letter sent again" in done.stdout
    assert machine.state["letters"] == {ocr: [], sheet: []}
    published = [line for line in machine.state["log"] if "topics publish" in line]
    assert len(published) == 3
