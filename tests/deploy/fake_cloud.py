"""Stands for `gcloud`, `npx firebase-tools` and `curl` while the deployment is tested: commands change a JSON file.

It knows what this project's plan asks of Google and nothing else; an unknown command is an error, never a silent success.
Answers have the shape that the REST API of the product documents, which is what `--format=json` prints:

    functions       https://cloud.google.com/functions/docs/reference/rest/v2/projects.locations.functions
    buckets         https://cloud.google.com/storage/docs/json_api/v1/buckets (with --raw)
    subscriptions   https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions
    triggers        https://cloud.google.com/eventarc/docs/reference/rest/v1/projects.locations.triggers
    services        https://cloud.google.com/run/docs/reference/rest/v1/namespaces.services
    quotas          https://cloud.google.com/docs/quotas/reference/rest/v1/projects.locations.services.quotaInfos
    policies        https://cloud.google.com/iam/docs/reference/rest/v1/Policy
    jobs            https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs

It says NOT_FOUND for what is not there and ALREADY_EXISTS for what is made twice. It checks no permissions and builds nothing.
Whether gcloud takes a command line at all is what test_plan asks gcloud's own parser.

What Google refuses at first and takes later it refuses here too, some times each, which `refused` counts: an account just made,
a metric just made, the role of the Eventarc agent, a change beside another one. What takes something away takes it away: a flag
that is left out of an alert policy's update, `--no-allow-unauthenticated` on a public function, a deployment on what was set
on the service behind it. Sources are in infra/gcp/failures.py and beside the steps.

FAKE_CLOUD names the file. Each change is noted in its `log`. FAKE_CLOUD_FAIL: a change whose line holds this text fails.
FAKE_CLOUD_SAYS: what it says then. `project` in the file changes what the looks before the first change find.
"""

from __future__ import annotations

import json
import os
import sys

# Started some thousand times in the tests, so nothing is imported that takes long: no pathlib, no typing.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

PATH = os.environ["FAKE_CLOUD"]
NUMBER = "123456789012"
DATABASE = "projects/my-project/databases/(default)"
FUNCTION_ENV = {"LOG_EXECUTION_ID": "true"}  # which the platform adds


class Cloud:
    """The file, the command line, and what they come to."""

    def __init__(self, program: str, arguments: list[str]) -> None:
        self.state: dict[str, Any] = read(PATH) if os.path.exists(PATH) else {"log": []}
        self.changed = False
        self.line = " ".join([program, *arguments])
        self.words = [argument for argument in arguments if not argument.startswith("--")]
        self.flags = dict(argument[2:].partition("=")[::2] for argument in arguments if argument.startswith("--"))

    def table(self, name: str) -> dict[str, Any]:
        return self.state.setdefault(name, {})

    def change(self) -> None:
        """Note that this command changes something, or fail as the test wants it."""
        wanted = os.environ.get("FAKE_CLOUD_FAIL")
        if wanted and wanted in self.line:
            fail(os.environ.get("FAKE_CLOUD_SAYS", f"ERROR: (gcloud) The service is broken: {wanted}"))
        self.state["log"].append(self.line)
        self.changed = True

    def at_first(self, key: str, times: int, text: str) -> None:
        """Refuse the first few times."""
        counts = self.table("refused")
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= times:
            self.keep()
            fail(text)

    def make(self, table: str, name: str, entry: Any) -> None:
        if name in self.table(table):
            fail(f"ERROR: (gcloud) ALREADY_EXISTS: Resource already exists in the project (resource={name}).")
        self.table(table)[name] = entry

    def drop(self, table: str, name: str) -> Any:
        self.get(table, name)
        self.change()
        return self.table(table).pop(name)

    def keep(self) -> None:
        with open(PATH, "w", encoding="utf-8") as file:
            json.dump(self.state, file)

    def get(self, table: str, name: str) -> Any:
        if name not in self.table(table):
            fail(f"ERROR: (gcloud) NOT_FOUND: Resource not found (resource={name}).")
        return self.table(table)[name]


def read(path: str) -> Any:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def fail(text: str) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(1)


def gcloud(cloud: Cloud) -> Any:
    """Answer one gcloud command: what is printed, as JSON or as text."""
    words, flags = cloud.words, cloud.flags
    if words[0] == "version":
        return {"Google Cloud SDK": "528.0.0", "alpha": "2025.06.20", "beta": "2025.06.20"}
    if words[0] == "auth":
        account = os.environ.get("FAKE_CLOUD_ACCOUNT", "person@example.com")
        return account if words[1] == "list" else "a-token"
    if flags.get("project", words[-1] if "projects" in words else "") != "my-project" and "my-project" not in words:
        fail(f"ERROR: the command names no project, or another one: {cloud.line}")
    if words[0] in ("alpha", "beta"):
        words = words[1:]
    verb = next((word for word in words if word in VERBS), "")
    if verb.endswith(("iam-policy", "iam-policy-binding")):
        return iam(cloud, words, verb)
    group = " ".join(words[: words.index(verb)]) if verb in words else " ".join(words)
    if group not in GROUPS:
        fail(f"ERROR: this stand-in does not know: {cloud.line}")
    return GROUPS[group](cloud, verb, words[words.index(verb) + 1 :] if verb in words else [])


VERBS = (
    "get-iam-policy",
    "add-iam-policy-binding",
    "remove-iam-policy-binding",
    *("describe", "list", "create", "update", "delete", "enable", "deploy", "resume", "rm", "pull", "ack", "publish"),
)


def iam(cloud: Cloud, words: list[str], verb: str) -> Any:
    resource = " ".join(words[: words.index(verb)] + words[words.index(verb) + 1 :])
    bindings = cloud.table("iam").setdefault(resource, [])
    if verb == "get-iam-policy":
        return {"bindings": bindings, "etag": "BwX", "version": 1}
    member = cloud.flags["member"]
    email = member.partition(":")[2]
    if email.startswith("intake-") and email not in cloud.table("accounts") and verb.startswith("add"):
        fail(f"ERROR: INVALID_ARGUMENT: Service account {email} does not exist.")
    new = verb.startswith("add") and email in cloud.table("accounts")
    if new:
        cloud.at_first(f"account {email}", 1, f"ERROR: INVALID_ARGUMENT: Service account {email} does not exist.")
    if words[0] == "projects" and verb.startswith("add"):
        cloud.at_first("policy", 1, "ERROR: ABORTED: There were concurrent policy changes. Please retry.")
    if member == "allUsers" and cloud.table("project").get("restricted"):
        fail("ERROR: FAILED_PRECONDITION: One or more users named in the policy do not belong to a permitted customer.")
    held = next((binding for binding in bindings if binding["role"] == cloud.flags["role"]), None)
    if verb.startswith("remove") and (held is None or member not in held["members"]):
        fail("ERROR: (gcloud) Policy bindings with the specified member, role, and condition not found!")
    cloud.change()
    if verb.startswith("remove"):
        held["members"].remove(member)
    elif held and member not in held["members"]:
        held["members"].append(member)
    elif held:
        pass
    else:
        bindings.append({"role": cloud.flags["role"], "members": [member]})
    return {"bindings": bindings}


def projects(cloud: Cloud, verb: str, names: list[str]) -> Any:
    if cloud.words[0] == "billing":
        return {"billingEnabled": cloud.table("project").get("billing", True)}
    return {"projectNumber": NUMBER, "lifecycleState": "ACTIVE"}


def policies_of_organisation(cloud: Cloud, verb: str, names: list[str]) -> Any:
    return {"spec": cloud.table("project").get("constraints", {}).get(names[0], {})}


def quotas(cloud: Cloud, verb: str, names: list[str]) -> Any:
    if verb == "list":
        return []
    vcpus = cloud.table("project").get("vcpus", 20)
    if "cloudquotas.googleapis.com" not in cloud.table("services"):
        fail(
            "ERROR: PERMISSION_DENIED: Cloud Quotas API has not been used in project my-project before or it is disabled."
        )
    region = {"dimensions": {"region": "us-east4"}, "details": {"value": str(vcpus * 1000)}}
    return {"quotaId": names[0], "dimensionsInfos": [region, {"details": {"value": "1000000"}}]}


def run_services(cloud: Cloud, verb: str, names: list[str]) -> Any:
    service = cloud.get("run", names[0])
    if verb == "describe":
        return service
    cloud.change()
    if "execution-environment" in cloud.flags:
        annotations = service["spec"]["template"]["metadata"]["annotations"]
        annotations["run.googleapis.com/execution-environment"] = cloud.flags["execution-environment"]
    if "no-invoker-iam-check" in cloud.flags:
        service["metadata"]["annotations"]["run.googleapis.com/invoker-iam-disabled"] = "true"
    return ""


def services(cloud: Cloud, verb: str, names: list[str]) -> Any:
    if verb == "list":
        return [{"config": {"name": name}, "state": "ENABLED"} for name in cloud.table("services")]
    if len(names) > 20:
        fail("ERROR: (gcloud.services.enable) INVALID_ARGUMENT: too many services in one batch")
    cloud.change()
    cloud.table("services").update(dict.fromkeys(names, True))
    return ""


def identity(cloud: Cloud, verb: str, names: list[str]) -> Any:
    cloud.change()
    return ""


def accounts(cloud: Cloud, verb: str, names: list[str]) -> Any:
    table = cloud.table("accounts")
    if verb == "list":
        return [{"email": email} for email in table]
    if verb == "delete":
        cloud.drop("accounts", names[0])
    else:
        cloud.change()
        cloud.make("accounts", f"{names[0]}@my-project.iam.gserviceaccount.com", True)
    return ""


def buckets(cloud: Cloud, verb: str, names: list[str]) -> Any:
    if verb == "describe":
        return cloud.get("buckets", names[0])
    cloud.change()
    flags, table = cloud.flags, cloud.table("buckets")
    if verb == "create" and names[0] in table:
        fail("ERROR: HTTPError 409: Your previous request to create the named bucket succeeded and you already own it.")
    if verb == "create":
        table[names[0]] = {"name": names[0][5:], "location": flags["location"].upper()}
    bucket = table[names[0]]
    bucket["iamConfiguration"] = {
        "uniformBucketLevelAccess": {"enabled": "uniform-bucket-level-access" in flags},
        "publicAccessPrevention": "enforced" if "public-access-prevention" in flags else "inherited",
    }
    days = int(flags["soft-delete-duration"].rstrip("d"))
    bucket["softDeletePolicy"] = {"retentionDurationSeconds": str(days * 86400)}
    if "lifecycle-file" in flags:
        bucket["lifecycle"] = read(flags["lifecycle-file"])
    return ""


def remove_objects(cloud: Cloud, verb: str, names: list[str]) -> Any:
    cloud.drop("buckets", names[0])
    return ""


def databases(cloud: Cloud, verb: str, names: list[str]) -> Any:
    name = cloud.flags["database"]
    if verb == "describe":
        return cloud.get("databases", name)
    table = cloud.table("databases")
    if verb != "create":
        cloud.get("databases", name)
    cloud.change()
    if verb == "create":
        cloud.make("databases", name, None)
        table[name] = {"name": DATABASE, "locationId": cloud.flags["location"], "type": "FIRESTORE_NATIVE"}
    protected = "delete-protection" in cloud.flags
    if verb == "delete":
        if table[name]["deleteProtectionState"] != "DELETE_PROTECTION_DISABLED":
            fail("ERROR: FAILED_PRECONDITION: the database is protected")
        del table[name]
    else:
        table[name]["deleteProtectionState"] = f"DELETE_PROTECTION_{'ENABLED' if protected else 'DISABLED'}"
    return ""


def secrets(cloud: Cloud, verb: str, names: list[str]) -> Any:
    if verb == "describe":
        return cloud.get("secrets", names[0])
    if verb == "delete":
        return cloud.drop("secrets", names[0]) and ""
    cloud.change()
    key = sys.stdin.read().strip()
    cloud.make("secrets", names[0], {"name": names[0], "characters": len(key)})  # its text is kept nowhere
    return ""


def pubsub(table: str) -> Any:
    def answer(cloud: Cloud, verb: str, names: list[str]) -> Any:
        flags = cloud.flags
        if verb == "describe":
            return cloud.get(table, names[0])
        if verb == "pull":
            return cloud.table("letters").get(names[0], [])
        if verb == "delete":
            return cloud.drop(table, names[0]) and ""
        cloud.change()
        if verb == "ack":
            taken = flags["ack-ids"].split(",")
            left = [letter for letter in cloud.table("letters")[names[0]] if letter["ackId"] not in taken]
            cloud.table("letters")[names[0]] = left
        elif verb == "create":
            cloud.make(table, names[0], {"name": names[0], **({"ackDeadlineSeconds": 600} if "topic" in flags else {})})
        elif verb == "update":
            plain = "dead-letter-topic" not in flags
            cloud.get(table, names[0]).update({"ackDeadlineSeconds": 600} if plain else delivery(flags))
        return ""

    return answer


def delivery(flags: dict[str, str]) -> dict[str, Any]:
    return {
        "ackDeadlineSeconds": int(flags["ack-deadline"]),
        "retryPolicy": {"minimumBackoff": flags["min-retry-delay"], "maximumBackoff": flags["max-retry-delay"]},
        "deadLetterPolicy": {
            "deadLetterTopic": flags["dead-letter-topic"],
            "maxDeliveryAttempts": int(flags["max-delivery-attempts"]),
        },
        "messageRetentionDuration": f"{int(flags['message-retention-duration'].rstrip('d')) * 86400}s",
        "expirationPolicy": {},
    }


EVENTARC = (
    "Validation failed for trigger: Permission denied while using the Eventarc Service Agent. If you recently started to use "
    "Eventarc, it may take a few minutes before all necessary permissions are propagated to the Service Agent."
)


def functions(cloud: Cloud, verb: str, names: list[str]) -> Any:
    name, flags = names[0], cloud.flags
    if verb == "describe":
        return cloud.get("functions", name)
    if verb == "delete":
        trigger = cloud.drop("functions", name).get("eventTrigger")
        if trigger:
            cloud.table("subscriptions").pop(cloud.table("triggers").pop(trigger["trigger"]))
        return ""
    cloud.change()
    for account in (flags["service-account"], flags.get("trigger-service-account", flags["service-account"])):
        if account not in cloud.table("accounts"):
            fail(f"ERROR: Service account {account} does not exist.")
    if not all(os.path.exists(f"{flags['source']}/{name}") for name in ("main.py", "requirements.txt")):
        fail("ERROR: INVALID_ARGUMENT: the source has no main.py or no requirements.txt")
    if int(flags["max-instances"]) > cloud.table("project").get("vcpus", 20):
        fail("ERROR: INVALID_ARGUMENT: Max instances must be set to fewer to set the requested total CPU.")
    if "trigger-topic" in flags:
        roles = cloud.table("iam").get("projects my-project", [])
        if not any(binding["role"] == "roles/eventarc.serviceAgent" for binding in roles):
            fail(f"ERROR: INVALID_ARGUMENT: {EVENTARC}")
        cloud.at_first("eventarc", 1, f"ERROR: INVALID_ARGUMENT: {EVENTARC}")
    cloud.table("run")[name] = {
        "metadata": {"annotations": {}},
        "spec": {"template": {"metadata": {"annotations": {}}}},
    }
    if "no-allow-unauthenticated" in flags and name in cloud.table("functions"):
        for binding in cloud.table("iam").get(f"run services {name}", []):
            binding["members"] = [member for member in binding["members"] if member != "allUsers"]
    function = {
        "name": f"projects/my-project/locations/{flags['region']}/functions/{name}",
        "state": "ACTIVE",
        "labels": dict([flags["update-labels"].split("=")]),
        "serviceConfig": {
            "availableMemory": flags["memory"],
            "availableCpu": flags["cpu"],
            "timeoutSeconds": int(flags["timeout"].rstrip("s")),
            "maxInstanceCount": int(flags["max-instances"]),
            "maxInstanceRequestConcurrency": int(flags["concurrency"]),
            "serviceAccountEmail": flags["service-account"],
            "ingressSettings": "ALLOW_ALL" if flags["ingress-settings"] == "all" else "ALLOW_INTERNAL_ONLY",
            "environmentVariables": {**FUNCTION_ENV, **dict(v.split("=", 1) for v in flags["set-env-vars"].split(","))},
            "uri": f"https://{name}-abcdefgh-uk.a.run.app",
        },
    }
    if "trigger-topic" in flags:
        trigger = f"projects/my-project/locations/{flags['region']}/triggers/{name}-123456"
        number = f"projects/my-project/subscriptions/eventarc-{flags['region']}-{name}-123456-sub-789"
        function["eventTrigger"] = {
            "trigger": trigger,
            "retryPolicy": "RETRY_POLICY_RETRY" if "retry" in flags else "RETRY_POLICY_DO_NOT_RETRY",
        }
        cloud.table("triggers")[trigger] = number
        cloud.table("subscriptions").setdefault(
            number, {"name": number, "ackDeadlineSeconds": 10, "messageRetentionDuration": "86400s"}
        )
    cloud.table("functions")[name] = function
    return ""


def triggers(cloud: Cloud, verb: str, names: list[str]) -> Any:
    return {"transport": {"pubsub": {"subscription": cloud.get("triggers", names[0])}}}


def jobs(cloud: Cloud, verb: str, names: list[str]) -> Any:
    names = [name for name in names if name != "http"]
    if verb == "describe":
        return cloud.get("jobs", names[0])
    if verb == "delete":
        return cloud.drop("jobs", names[0]) and ""
    cloud.change()
    flags = cloud.flags
    if verb == "resume":
        if cloud.table("jobs")[names[0]]["state"] != "PAUSED":
            fail("ERROR: FAILED_PRECONDITION: the job is not paused")
        cloud.table("jobs")[names[0]]["state"] = "ENABLED"
    else:
        uri, account = flags["uri"], flags["oidc-service-account-email"]
        target = {
            "uri": f"{uri}/",
            "httpMethod": "POST",
            "oidcToken": {"serviceAccountEmail": account, "audience": uri},
        }
        job = {"state": "ENABLED", "schedule": flags["schedule"], "attemptDeadline": flags["attempt-deadline"]}
        if verb == "create":
            cloud.make("jobs", names[0], job)
        cloud.get("jobs", names[0]).update({**job, "state": cloud.get("jobs", names[0])["state"], "httpTarget": target})
    return ""


UNKNOWN_METRIC = (
    'Cannot find metric(s) that match type = "logging.googleapis.com/user/intake_oldest_s". If a metric was created recently, '
    "it could take up to 10 minutes to become available. Please try again soon."
)


def from_file(table: str, kind: str) -> Any:
    """Answer for what is made of a file and gets its name from Google: policies and the dashboard."""

    def answer(cloud: Cloud, verb: str, names: list[str]) -> Any:
        held, flags = cloud.table(table), cloud.flags
        if verb == "list":
            return list(held.values())
        if verb == "delete":
            return cloud.drop(table, names[0]) and ""
        cloud.change()
        name = names[0] if verb == "update" else f"projects/my-project/{kind}/{1000 + len(held)}"
        entry = read(flags.get("policy-from-file") or flags["config-from-file"])
        if table == "dashboards":
            if verb == "update" and entry.get("etag") != held[name]["etag"]:
                fail("ERROR: INVALID_ARGUMENT: Field etag had an invalid value: it is not that of the dashboard.")
            entry["etag"] = f"etag-{len(cloud.state['log'])}"
        elif cloud.table("young"):
            cloud.at_first("metrics", 3, f"ERROR: NOT_FOUND: {UNKNOWN_METRIC}")
        # An update from a file replaces everything that the flags do not name again.
        told = flags.get("notification-channels") or flags.get("set-notification-channels")
        held[name] = {**entry, "name": name, **({"notificationChannels": told.split(",")} if told else {})}
        return ""

    return answer


def channels(cloud: Cloud, verb: str, names: list[str]) -> Any:
    held = cloud.table("channels")
    if verb == "list":
        return list(held.values())
    if verb == "delete":
        return cloud.drop("channels", names[0]) and ""
    cloud.change()
    if verb == "update":
        held[names[0]]["labels"] = dict([cloud.flags["update-channel-labels"].split("=")])
        return ""
    name = f"projects/my-project/notificationChannels/{2000 + len(held)}"
    labels = dict([cloud.flags["channel-labels"].split("=")])
    held[name] = {"name": name, "displayName": cloud.flags["display-name"], "labels": labels}
    return ""


def metrics(cloud: Cloud, verb: str, names: list[str]) -> Any:
    if verb == "describe":
        return cloud.get("metrics", names[0])
    if verb == "delete":
        cloud.drop("metrics", names[0])
    else:
        cloud.change()
        entry = read(cloud.flags["config-from-file"])
        if verb == "create":
            cloud.make("metrics", names[0], None)
            cloud.table("young")[names[0]] = True
        cloud.table("metrics")[names[0]] = {**entry, "createTime": "2026-01-01T00:00:00Z"}
    return ""


def repositories(cloud: Cloud, verb: str, names: list[str]) -> Any:
    if verb == "describe":
        return cloud.get("repositories", names[0])
    if verb == "delete":
        cloud.drop("repositories", names[0])
    else:
        cloud.change()
        cloud.make("repositories", names[0], {"name": names[0], "format": "DOCKER"})
    return ""


GROUPS = {
    "projects": projects,
    "billing projects": projects,
    "org-policies": policies_of_organisation,
    "quotas info": quotas,
    "run services": run_services,
    "run regions": lambda *_: [{"locationId": name} for name in ("us-central1", "us-east4")],
    "services": services,
    "services identity": identity,
    "iam service-accounts": accounts,
    "storage buckets": buckets,
    "storage": remove_objects,
    "firestore databases": databases,
    "secrets": secrets,
    "pubsub topics": pubsub("topics"),
    "pubsub subscriptions": pubsub("subscriptions"),
    "functions": functions,
    "eventarc triggers": triggers,
    "scheduler jobs": jobs,
    "monitoring policies": from_file("policies", "alertPolicies"),
    "monitoring dashboards": from_file("dashboards", "dashboards"),
    "monitoring channels": channels,
    "logging metrics": metrics,
    "artifacts repositories": repositories,
}


def firebase(cloud: Cloud) -> Any:
    """Answer one command of the Firebase CLI; with --json it prints {"status", "result"}."""
    command, table = cloud.words[1], cloud.table("firebase")
    if os.environ.get("GOOGLE_CLOUD_QUOTA_PROJECT") != "my-project":
        fail(
            "Error: HTTP Error: 403, The firebase.googleapis.com API requires a quota project, which is not set by default."
        )
    if command == "projects:list":
        return {"status": "success", "result": [{"projectId": "my-project"}] if "project" in table else []}
    if command == "apps:list":
        return {
            "status": "success",
            "result": [{"displayName": n, "appId": i} for n, i in table.get("apps", {}).items()],
        }
    if command == "hosting:sites:list":
        return {"status": "success", "result": {"sites": [site(*pair) for pair in table.get("sites", {}).items()]}}
    if command == "apps:sdkconfig":
        if len(cloud.words) < 4 and len(table["apps"]) > 1:
            fail("Error: Project my-project has multiple apps, must specify an app id.")
        config = {"projectId": "my-project", "apiKey": "public-key", "appId": cloud.words[3], "authDomain": "x"}
        return {"status": "success", "result": {"fileName": "google-config.js", "sdkConfig": config}}
    cloud.change()
    if command == "projects:addfirebase":
        if cloud.table("project").get("terms") is False:
            fail(
                "Error: Failed to add Firebase to Google Cloud Platform project. See firebase-debug.log for more info."
            )
        table["project"] = True
    elif command == "hosting:sites:create":
        if cloud.words[2] in cloud.table("project").get("taken_sites", []):
            fail(f"Error: HTTP Error: 400, Invalid name: `{cloud.words[2]}` is already reserved by another project")
        table.setdefault("sites", {})[cloud.words[2]] = "DEFAULT_SITE"
    elif command == "apps:create":
        table.setdefault("apps", {})[cloud.words[3]] = f"1:1:web:{len(table.get('apps', {}))}"
    elif command == "hosting:disable":
        table.pop("site", None)
    elif command == "deploy":
        deploy_firebase(cloud, table)
    else:
        fail(f"Error: this stand-in does not know {command}")
    return ""


def site(name: str, kind: str) -> dict[str, str]:
    return {"name": f"projects/my-project/sites/{name}", "type": kind, "defaultUrl": f"https://{name}.web.app"}


def deploy_firebase(cloud: Cloud, table: dict[str, Any]) -> None:
    document, folder = read(cloud.flags["config"]), os.path.dirname(cloud.flags["config"])
    if cloud.flags["only"] == "firestore":
        cloud.at_first(
            "indexes", 1, "Error: Request to https://firestore.googleapis.com/v1/ had HTTP Error: 409, aborted"
        )
        rules, indexes = (f"{folder}/{document['firestore'][name]}" for name in ("rules", "indexes"))
        if not os.path.isfile(rules):
            fail(f"Error: {rules} is not there")
        cloud.state["indexes"] = read(indexes)
        return
    if document["hosting"]["site"] not in table.get("sites", {}):
        fail("Error: Unable to deploy to Hosting as there is no Hosting site.")
    public = f"{folder}/{document['hosting']['public']}"
    for needed in (f"{public}/index.html", f"{public}/firebase-config.json"):
        if not os.path.isfile(needed):
            fail(f"Error: {needed} is not there")
    table["site"] = document["hosting"]["site"]
    table["config"] = read(f"{public}/firebase-config.json")


def curl(cloud: Cloud) -> Any:
    url = next(word for word in cloud.words if word.startswith("https://"))
    if sys.stdin.read() != "Authorization: Bearer a-token":
        fail("curl: (22) The requested URL returned error: 401")
    if "/permissions" in url:
        if "shared" not in cloud.table("project"):
            fail("curl: (22) The requested URL returned error: 403")
        held = cloud.table("project")["shared"]
        return {"permissions": [{"type": "user", "role": "writer", "emailAddress": email} for email in held]}
    cloud.change()
    cloud.table("firebase")["app_check"] = {url: cloud.flags["data"]}
    return ""


def main() -> None:
    program, *arguments = sys.argv[1:]
    cloud = Cloud(program, arguments)
    answer = {"gcloud": gcloud, "npx": firebase, "curl": curl}[program](cloud)
    shape = cloud.flags.get("format", "json")
    key, _, wanted = cloud.flags.get("filter", "").partition("=")
    if isinstance(answer, list) and wanted:
        answer = [entry for entry in answer if str(entry.get(key)) == wanted.strip('"')]
    if isinstance(answer, dict | list) and shape.startswith("value("):
        lines = []
        for found in answer if isinstance(answer, list) else [answer]:
            for part in shape[6:-1].split("."):
                found = found[part]
            lines.append(str(found))
        answer = "\n".join(lines)
    print(answer if isinstance(answer, str) else json.dumps(answer))
    if cloud.changed:
        cloud.keep()


if __name__ == "__main__":
    main()
