"""`deploy.sh gcp`, `destroy` and `redrive` against stand-ins that keep state: what is run, when, and what is said."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time

import pytest

from infra.gcp import apply, instances, observing, settings
from infra.gcp.failures import KNOWN, Failure, known
from infra.gcp.steps import Command
from tests.deploy.conftest import ALL, SHEET, Machine

REMADE = r"functions deploy|run services update| (policies|dashboards|channels) create"
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
    assert len(made["policies"]) == len(observing.files("alerts"))
    assert all(policy["notificationChannels"] for policy in made["policies"].values())


def left(machine: Machine) -> dict[str, object]:
    """Return the project without the notes of what was run."""
    state = machine.state
    for dashboard in state.get("dashboards", {}).values():
        dashboard.pop("etag")  # a new one with each change
    return {name: table for name, table in state.items() if name not in ("log", "refused")}


def test_a_second_run_leaves_all_as_it_is(deployed: Machine) -> None:
    """It builds and deploys nothing, says so, and knows the Sheet of the first run, which need not be named again."""
    before, log = left(deployed), deployed.state["log"]
    done = deployed.deploy()
    assert done.returncode == 0, done.stderr
    assert left(deployed) == before
    assert "function record: already as it should be" in done.stdout
    assert "topic ocr-requests: already there" in done.stdout
    new = deployed.state["log"][len(log) :]
    assert not [
        line
        for line in new
        if re.search(r"functions deploy|run services update| (policies|dashboards|channels) create", line)
    ]


def test_what_was_changed_by_hand_is_put_back(deployed: Machine) -> None:
    """A function's memory, its generation, a subscription's deadline, a paused clock and a lost role come back."""
    machine = deployed
    before, by_hand = left(machine), machine.state
    by_hand["functions"]["ocr"]["serviceConfig"]["availableMemory"] = "1Gi"
    annotations = by_hand["run"]["ocr"]["spec"]["template"]["metadata"]["annotations"]
    annotations["run.googleapis.com/execution-environment"] = "gen1"
    subscription = next(name for name in by_hand["subscriptions"] if "eventarc-us-east4-record" in name)
    by_hand["subscriptions"][subscription]["ackDeadlineSeconds"] = 10
    by_hand["jobs"]["intake-sweep"]["state"] = "PAUSED"
    by_hand["iam"]["run services submit"][0]["members"] = []
    machine.change(by_hand)
    again = machine.deploy()
    assert again.returncode == 0, again.stderr
    assert left(machine) == before
    deployed_again = [line for line in machine.state["log"][len(by_hand["log"]) :] if "functions deploy" in line]
    assert [re.sub(r" --.*", "", line) for line in deployed_again] == ["gcloud functions deploy ocr"]


def test_what_passes_by_itself_is_waited_for(first_run: FirstRun) -> None:
    """New accounts, metrics, the Eventarc agent and changes side by side are refused at first: said, and tried again."""
    said = first_run[0].stdout
    for sentence in (
        "A new service account is not known everywhere for about a minute. Trying again in 5 s.",
        "Cloud Monitoring does not know a new metric for up to 10 minutes. Trying again in 20 s.",
        "The role of the Eventarc service agent has not spread yet. Trying again in 60 s.",
        "Google is still busy with an earlier change. Trying again in 5 s.",
    ):
        assert sentence in said
    counts = json.loads(first_run[1])["refused"]
    assert {name.partition(" ")[0] for name in counts} == {"account", "metrics", "eventarc", "policy", "indexes"}
    assert min(counts.values()) > 1


def test_what_does_not_pass_is_given_up(machine: Machine) -> None:
    """After 11 minutes of trying the run stops, says what is known of the failure, and where that is known from."""
    done = machine.deploy(*ALL, FAKE_CLOUD_FAIL="metrics create", FAKE_CLOUD_SAYS="ERROR: UNAVAILABLE: try later")
    assert done.returncode == 1
    assert done.stdout.count("Trying again") > 10
    assert "Google's service did not answer for a moment." in done.stderr
    assert "(source: https://" in done.stderr


@pytest.mark.parametrize("failure", KNOWN, ids=lambda failure: failure.means[:30])
def test_each_failure_that_is_known_says_what_to_do(failure: Failure) -> None:
    """Each has a source, and its text is the first to fit something that Google says; what does not pass names a way out."""
    assert re.search(r"https://|firebase-tools, ", failure.source)
    assert failure.passes or re.search(r"https://|Ask |lists the roles|npx ", failure.means)


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("ERROR: (gcloud.functions.deploy) INVALID_ARGUMENT: Max instances must be set to 10 or fewer", "fewer vCPUs"),
        ("maxScale may not exceed 10", "fewer vCPUs"),
        ("FAILED_PRECONDITION: due to quota restrictions, cannot run builds in this region", "--region=us-central1"),
        ("PERMISSION_DENIED: This API method requires billing to be enabled", "no billing account"),
        ("Error: Failed to add Firebase to Google Cloud Platform project.", "forceCheckTos=true"),
        ("HTTP Error: 403, The API requires a quota project, which is not set by default", "npx firebase-tools login"),
        ("Error: Unable to deploy to Hosting as there is no Hosting site.", "Create one"),
        ("FAILED_PRECONDITION: One or more users do not belong to a permitted customer.", "domain restricted sharing"),
        ("PERMISSION_DENIED: Permission 'run.services.update' denied on resource", "lists the roles"),
        ("HTTP Error: 409, the operation was aborted", "still busy"),
        ("something that nobody has seen before", None),
    ],
)
def test_what_google_says_is_known(said: str, means: str | None) -> None:
    """Messages as others have reported them lead to what to do, also those that only look like a lack of rights."""
    failure = known(said)
    assert (failure is None) if means is None else (failure is not None and means in failure.means)


def test_an_upgrade_never_closes_the_form(deployed: Machine) -> None:
    """While new versions are deployed, anybody may go on calling submit: no command takes the role away."""
    machine = deployed
    old = machine.state
    for function in old["functions"].values():
        function["labels"] = {"intake-source": "older"}
    machine.change(old)
    stopped = machine.deploy(FAKE_CLOUD_FAIL="functions deploy progress")
    assert stopped.returncode == 1
    assert machine.state["iam"]["run services submit"] == [{"role": "roles/run.invoker", "members": ["allUsers"]}]
    redeployed = [line for line in machine.state["log"] if "functions deploy submit" in line]
    assert len(redeployed) == 2
    assert "--serve-all-traffic-latest-revision" in redeployed[1]  # ends a roll-back


def test_an_organisation_that_forbids_all_users(machine: Machine) -> None:
    """The two public services are told not to ask who calls, after each deployment anew."""
    rule = {"rules": [{"values": {"allowedValues": ["C01abcdef"]}}]}
    machine.change(
        {"log": [], "project": {"restricted": True, "constraints": {"iam.allowedPolicyMemberDomains": rule}}}
    )
    done = machine.deploy(*ALL)
    assert done.returncode == 0, done.stderr
    assert "are then opened with --no-invoker-iam-check" in done.stdout
    open_ones = [n for n, s in machine.state["run"].items() if s["metadata"]["annotations"]]
    assert open_ones == ["submit", "progress"]


def test_alerts_keep_who_is_told(deployed: Machine) -> None:
    """A changed alert file and a run without an address: our channel and one added by hand are both kept."""
    machine = deployed
    state = machine.state
    name = next(iter(state["policies"]))
    state["policies"][name]["combiner"] = "older"
    state["policies"][name]["notificationChannels"].append("projects/my-project/notificationChannels/by-hand")
    machine.change(state)
    done = machine.deploy()
    assert done.returncode == 0, done.stderr
    ours = next(iter(state["channels"]))
    told = machine.state["policies"][name]["notificationChannels"]
    assert machine.state["policies"][name]["combiner"] == "OR"
    assert told == [ours, "projects/my-project/notificationChannels/by-hand"]


def test_another_address_is_told_by_the_same_channel(deployed: Machine) -> None:
    """A new --alert-email changes the channel, so every alert follows."""
    done = deployed.deploy("--alert-email=new@example.com")
    assert done.returncode == 0, done.stderr
    assert [c["labels"] for c in deployed.state["channels"].values()] == [{"email_address": "new@example.com"}]


def test_a_changed_dashboard_names_the_etag_that_was_found(deployed: Machine) -> None:
    """Without it Google refuses the change, and so does the stand-in."""
    machine = deployed
    state = machine.state
    (name,) = state["dashboards"]
    state["dashboards"][name]["mosaicLayout"] = {}
    machine.change(state)
    done = machine.deploy()
    assert done.returncode == 0, done.stderr
    assert machine.state["dashboards"][name]["mosaicLayout"]


def test_a_project_whose_name_is_taken_as_a_site(machine: Machine) -> None:
    """The site gets another name, and everything that names the form's address follows."""
    machine.change({"log": [], "project": {"taken_sites": ["my-project"]}})
    done = machine.deploy(*ALL)
    assert done.returncode == 0, done.stderr
    assert "The form is at https://intake-123456789012.web.app" in done.stdout
    assert machine.state["firebase"]["site"] == "intake-123456789012"


def test_another_web_app_and_another_site_are_left_alone(machine: Machine) -> None:
    """Ours gets its own config and key, and the form goes to the default site."""
    held = {
        "project": True,
        "apps": {"Shop": "1:1:web:9"},
        "sites": {"shop": "USER_SITE", "my-project-1a2b": "DEFAULT_SITE"},
    }
    machine.change({"log": [], "firebase": held})
    done = machine.deploy(*ALL)
    assert done.returncode == 0, done.stderr
    firebase = machine.state["firebase"]
    assert firebase["config"]["appId"] == firebase["apps"]["GreenWatt Intake"] != "1:1:web:9"
    assert firebase["site"] == "my-project-1a2b"
    (address,) = firebase["app_check"]
    assert f"projects/123456789012/apps/{firebase['apps']['GreenWatt Intake']}/recaptchaEnterpriseConfig" in address


def test_firestore_gets_its_indexes(first_run: FirstRun) -> None:
    """The staged file has the indexes, the fields without any, and the TTL, in the form of the Firebase CLI."""
    indexes = json.loads(first_run[1])["indexes"]
    assert [[f["fieldPath"] for f in index["fields"]] for index in indexes["indexes"]] == [
        ["status", "submitted_at"],
        ["client", "submitted_at"],
        ["peer", "submitted_at"],
        ["submitted_at", "pages"],
        ["client", "submitted_at", "pages"],
    ]
    assert [field["fieldPath"] for field in indexes["fieldOverrides"] if field.get("ttl")] == ["expire_at"]
    assert all(field["indexes"] == [] for field in indexes["fieldOverrides"])


def test_instances_fit_into_the_quota(machine: Machine) -> None:
    """With 10 vCPUs all five functions may run at once, and submit has what it needs before ocr."""
    machine.change({"log": [], "project": {"vcpus": 10}})
    done = machine.deploy(*ALL)
    assert done.returncode == 0, done.stderr
    held = {n: f["serviceConfig"]["maxInstanceCount"] for n, f in machine.state["functions"].items()}
    assert held == {"submit": 3, "progress": 3, "ocr": 2, "record": 1, "sweep": 1}
    again = machine.deploy()
    assert "function ocr: already as it should be" in again.stdout


@pytest.mark.parametrize("limit", range(5, 40))
def test_instances_at_every_quota(limit: int) -> None:
    """All together stay within it, nobody has none, submit is never behind ocr, and with enough all have what they want."""
    specs = instances.within(settings.read(), limit).functions
    wanted = settings.read().functions
    together = sum(spec.max_instances for spec in specs.values())
    assert together == min(limit, sum(spec.max_instances for spec in wanted.values()))
    assert all(1 <= specs[name].max_instances <= wanted[name].max_instances for name in wanted)
    assert specs["submit"].max_instances >= min(specs["ocr"].max_instances, wanted["submit"].max_instances)


def test_a_failure_stops_and_the_same_command_goes_on(machine: Machine) -> None:
    """The first failure names the step, the command and the way on; what was done is found as wanted afterwards."""
    failed = machine.deploy(*ALL, FAKE_CLOUD_FAIL="functions deploy record")
    assert failed.returncode == 1
    assert "Stopped at: function record" in failed.stderr
    assert "gcloud functions deploy record --gen2" in failed.stderr
    assert "The service is broken" in failed.stderr
    assert f"./deploy.sh gcp --project=my-project --yes --sheet={SHEET}" in failed.stderr
    before = machine.state["log"]
    assert not any("sweep" in line and "functions deploy" in line for line in before)
    resumed = machine.deploy(*ALL)
    assert resumed.returncode == 0, resumed.stderr
    added = machine.state["log"][len(before) :]
    deployed = [line for line in added if "functions deploy" in line]
    assert [line.split()[3] for line in deployed] == ["record", "sweep"]


STOPS = (
    "services identity create --service=eventarc",
    "hosting:sites:create",
    "service-accounts create intake-push",
    "only=firestore",
    "functions deploy ocr",
    "subscriptions update",
    "only=hosting",
    "policies create",
)


def test_every_failure_can_be_gone_on_from(machine: Machine, first_run: FirstRun) -> None:
    """Stopped again and again, each time further on, the same command ends with what one undisturbed run makes."""
    for stop in STOPS:
        failed = machine.deploy(*ALL, FAKE_CLOUD_FAIL=stop)
        assert failed.returncode == 1, stop
        assert "the same command continues from here" in failed.stderr
    done = machine.deploy(*ALL)
    assert done.returncode == 0, done.stderr
    undisturbed = json.loads(first_run[1])
    for table in ("log", "refused", "dashboards"):  # the dashboard's etag counts the commands
        undisturbed.pop(table)
    assert {name: table for name, table in machine.state.items() if name in undisturbed} == undisturbed


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
    """A run with another region is stopped and told which one to give, instead of making a second set."""
    before = deployed.state["log"]
    other = deployed.deploy(*ALL, "--region=us-central1")
    assert other.returncode == 1
    assert "Give --region=us-east4" in other.stdout
    assert deployed.state["log"] == before


def test_a_region_that_there_is_not(machine: Machine) -> None:
    """A slip in --region is told before anything is made, with the regions that there are."""
    done = machine.deploy(*ALL, "--region=us-east44")
    assert done.returncode == 1
    assert "MISSING: the region: there is no us-east44; there are us-central1, us-east4." in done.stdout
    assert machine.state["log"] == []


def test_all_that_is_missing_is_said_at_once(machine: Machine) -> None:
    """Billing, a policy and the Sheet, each with what mends it; what is sure to fail stops the run before any change."""
    constraints = {"iam.disableServiceAccountCreation": {"rules": [{"enforce": True}]}}
    project = {"billing": False, "constraints": constraints, "shared": []}
    machine.change({"log": [], "project": project})
    done = machine.deploy(*ALL)
    assert done.returncode == 1
    assert "MISSING: billing: the project has no billing account. Link one: https://" in done.stdout
    assert (
        "MISSING: the organisation's policy iam.disableServiceAccountCreation: no service accounts may" in done.stdout
    )
    assert "note: who may write to the Sheet: share the Sheet" in done.stdout
    assert "note: Firebase's terms: " in done.stdout
    assert "another --region is better chosen" in done.stdout
    assert "Nothing was changed" in done.stderr
    assert machine.state["log"] == []


def test_what_cannot_be_looked_at_does_not_stop(machine: Machine) -> None:
    """A look that is refused is said, with the reason, and the run goes on."""
    done = machine.deploy(*ALL)
    assert done.returncode == 0, done.stderr
    unseen = (
        "not looked at: the quota of vCPUs: it is read again as soon as the APIs are enabled (ERROR: PERMISSION_DENIED:"
    )
    assert unseen in done.stdout
    assert "--enable-gdrive-access` lets it be looked at" in done.stdout


def test_denied_is_not_missing(deployed: Machine) -> None:
    """A function that nobody may look at is not taken for one that is not there."""
    gcloud = deployed.path.partition(":")[0] + "/gcloud"
    with open(gcloud, encoding="utf-8") as file:
        text = file.read()
    denial = "PERMISSION_DENIED: Permission denied on resource (or it may not exist)."
    case = f'case "$*" in *"functions describe submit"*) echo "{denial}" >&2; exit 1;; esac'
    with open(gcloud, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n{case}\n" + text.partition("\n")[2])
    before = deployed.state["log"]
    done = deployed.deploy(*ALL)
    assert done.returncode == 1
    assert "Stopped at: function submit" in done.stderr
    assert "lists the roles that are needed" in done.stderr
    assert not [line for line in deployed.state["log"][len(before) :] if "functions deploy" in line]


def test_destroy_keeps_the_data(deployed: Machine) -> None:
    """Everything that gcp made goes, bills and database stay; a second time there is nothing to do; gcp makes it anew."""
    machine = deployed
    done = machine.run("destroy", "--project=my-project", "--yes")
    assert done.returncode == 0, done.stderr
    left = {name: table for name, table in machine.state.items() if table and name not in ("log", "services", "iam")}
    assert set(left) == {"buckets", "databases", "indexes", "firebase", "refused", "young", "run"}
    assert set(left["firebase"]) == {"project", "apps", "sites", "app_check", "config"}
    for resource in ("projects my-project", "storage buckets gs://my-project-bills"):
        held = [member for binding in machine.state["iam"][resource] for member in binding["members"]]
        assert not [member for member in held if "gcp-sa-" not in member]  # Google's own accounts keep theirs
    before = machine.state["log"]
    again = machine.run("destroy", "--project=my-project", "--yes")
    assert again.returncode == 0, again.stderr
    assert again.stdout.count(": removed") == 1  # switching the site off twice is harmless
    assert len(machine.state["log"]) == len(before) + 1


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


def test_a_command_that_hangs_is_stopped_and_named() -> None:
    """It ends with all that it started, and the sentence says which command it was and what to do."""
    began = time.monotonic()
    with pytest.raises(apply.TimedOut, match=r"(?s)did not finish within .*sleep 61.*run the same command again"):
        apply.run(Command(("bash", "-c", "sleep 61 & sleep 61"), limit_s=0.3))
    assert time.monotonic() - began < 10


def test_a_function_of_another_kind_is_not_taken_for_ours(machine: Machine) -> None:
    """A first-generation function with the same name stops the run; "already exists" is no success there."""
    says = "ERROR: Failed to create function, function `submit` already exists under Gen 1 environment."
    done = machine.deploy(*ALL, FAKE_CLOUD_FAIL="functions deploy submit", FAKE_CLOUD_SAYS=says)
    assert done.returncode == 1
    assert "Stopped at: function submit" in done.stderr
    assert "another project, or delete" in done.stderr
