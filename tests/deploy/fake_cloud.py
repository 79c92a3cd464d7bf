"""Stands for `gcloud`, `npx firebase-tools` and `curl` while the deployment is tested: commands change a JSON file.

It knows what this project's plan asks of Google and nothing else; an unknown command is an error, never a silent success.
Answers have the shape that the REST API of the product documents, which is what `--format=json` prints:

    functions       https://cloud.google.com/functions/docs/reference/rest/v2/projects.locations.functions
    buckets         https://cloud.google.com/storage/docs/json_api/v1/buckets (with --raw)
    subscriptions   https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions
    triggers        https://cloud.google.com/eventarc/docs/reference/rest/v1/projects.locations.triggers
    indexes, fields https://cloud.google.com/firestore/docs/reference/rest/v1/projects.databases.collectionGroups.fields
    policies        https://cloud.google.com/iam/docs/reference/rest/v1/Policy
    jobs            https://cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs

It says NOT_FOUND for what is not there. It checks no permissions, waits for nothing, and builds nothing. Whether gcloud takes
a command line at all is what test_plan asks gcloud's own parser.

FAKE_CLOUD names the file. Each change is noted in its `log`. FAKE_CLOUD_FAIL: a change whose line holds this text fails.
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
            fail(f"ERROR: (gcloud) The service is currently unavailable: {wanted}")
        self.state["log"].append(self.line)
        self.changed = True

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
    if words[:2] == ["auth", "list"]:
        return os.environ.get("FAKE_CLOUD_ACCOUNT", "person@example.com")
    if flags.get("project", words[2] if words[0] == "projects" else "") != "my-project":
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
    cloud.change()
    held = next((binding for binding in bindings if binding["role"] == cloud.flags["role"]), None)
    if verb.startswith("remove"):
        held["members"].remove(member)
    elif held:
        held["members"].append(member)
    else:
        bindings.append({"role": cloud.flags["role"], "members": [member]})
    return {"bindings": bindings}


def projects(cloud: Cloud, verb: str, names: list[str]) -> Any:
    return NUMBER


def services(cloud: Cloud, verb: str, names: list[str]) -> Any:
    if verb == "list":
        return [{"config": {"name": name}, "state": "ENABLED"} for name in cloud.table("services")]
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
    cloud.change()
    if verb == "delete":
        del table[names[0]]
    else:
        table[f"{names[0]}@my-project.iam.gserviceaccount.com"] = True
    return ""


def buckets(cloud: Cloud, verb: str, names: list[str]) -> Any:
    if verb == "describe":
        return cloud.get("buckets", names[0])
    cloud.change()
    flags, table = cloud.flags, cloud.table("buckets")
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
    cloud.change()
    del cloud.table("buckets")[names[0]]
    return ""


def databases(cloud: Cloud, verb: str, names: list[str]) -> Any:
    name = cloud.flags["database"]
    if verb == "describe":
        return cloud.get("databases", name)
    cloud.change()
    table = cloud.table("databases")
    if verb == "create":
        table[name] = {"name": DATABASE, "locationId": cloud.flags["location"], "type": "FIRESTORE_NATIVE"}
    protected = "delete-protection" in cloud.flags
    if verb == "delete":
        if table[name]["deleteProtectionState"] != "DELETE_PROTECTION_DISABLED":
            fail("ERROR: FAILED_PRECONDITION: the database is protected")
        del table[name]
    else:
        table[name]["deleteProtectionState"] = f"DELETE_PROTECTION_{'ENABLED' if protected else 'DISABLED'}"
    return ""


def ttls(cloud: Cloud, verb: str, names: list[str]) -> Any:
    group = cloud.flags["collection-group"]
    if verb == "list":
        fields = cloud.table("ttls").get(group, [])
        return [
            {"name": f"{DATABASE}/collectionGroups/{group}/fields/{f}", "ttlConfig": {"state": "CREATING"}}
            for f in fields
        ]
    cloud.change()
    cloud.table("ttls").setdefault(group, []).append(names[0])
    return ""


def index_fields(cloud: Cloud, verb: str, names: list[str]) -> Any:
    key = f"{cloud.flags['collection-group']}.{names[0]}"
    if verb == "describe":
        own = key in cloud.table("unindexed")
        config = {} if own else {"usesAncestorConfig": True, "indexes": [{"queryScope": "COLLECTION"}]}
        return {"name": key, "indexConfig": config}
    cloud.change()
    cloud.table("unindexed")[key] = True
    return ""


def composite(cloud: Cloud, verb: str, names: list[str]) -> Any:
    table = cloud.table("indexes")
    if verb == "list":
        return list(table.values())
    cloud.change()
    arguments = [a for a in sys.argv if a.startswith("--field-config=")]
    paths = [a.partition("field-path=")[2].partition(",")[0] for a in arguments]
    fields = [{"fieldPath": path, "order": "ASCENDING"} for path in [*paths, "__name__"]]
    group = cloud.flags["collection-group"]
    table["/".join(paths)] = {"name": f"{DATABASE}/collectionGroups/{group}/indexes/{len(table)}", "fields": fields}
    return ""


def secrets(cloud: Cloud, verb: str, names: list[str]) -> Any:
    if verb == "describe":
        return cloud.get("secrets", names[0])
    cloud.change()
    if verb == "delete":
        del cloud.table("secrets")[names[0]]
        return ""
    key = sys.stdin.read().strip()
    cloud.table("secrets")[names[0]] = {"name": names[0], "characters": len(key)}  # its text is kept nowhere
    return ""


def pubsub(table: str) -> Any:
    def answer(cloud: Cloud, verb: str, names: list[str]) -> Any:
        flags, held = cloud.flags, cloud.table(table)
        if verb == "describe":
            return cloud.get(table, names[0])
        if verb == "pull":
            return cloud.table("letters").get(names[0], [])
        cloud.change()
        if verb == "ack":
            taken = flags["ack-ids"].split(",")
            left = [letter for letter in cloud.table("letters")[names[0]] if letter["ackId"] not in taken]
            cloud.table("letters")[names[0]] = left
        elif verb == "create":
            held[names[0]] = {"name": names[0], **({"topic": flags["topic"]} if "topic" in flags else {})}
        elif verb == "delete":
            del held[names[0]]
        elif verb == "update":
            cloud.get(table, names[0]).update(delivery(flags))
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


def functions(cloud: Cloud, verb: str, names: list[str]) -> Any:
    name, flags = names[0], cloud.flags
    if verb == "describe":
        return cloud.get("functions", name)
    cloud.change()
    if verb == "delete":
        trigger = cloud.table("functions").pop(name).get("eventTrigger")
        if trigger:
            cloud.table("subscriptions").pop(cloud.table("triggers").pop(trigger["trigger"]))
        return ""
    for account in (flags["service-account"], flags.get("trigger-service-account", flags["service-account"])):
        if account not in cloud.table("accounts"):
            fail(f"ERROR: Service account {account} does not exist.")
    if not all(os.path.exists(f"{flags['source']}/{name}") for name in ("main.py", "requirements.txt")):
        fail("ERROR: INVALID_ARGUMENT: the source has no main.py or no requirements.txt")
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
    cloud.change()
    flags = cloud.flags
    if verb == "delete":
        del cloud.table("jobs")[names[0]]
    elif verb == "resume":
        cloud.table("jobs")[names[0]]["state"] = "ENABLED"
    else:
        uri, account = flags["uri"], flags["oidc-service-account-email"]
        target = {
            "uri": f"{uri}/",
            "httpMethod": "POST",
            "oidcToken": {"serviceAccountEmail": account, "audience": uri},
        }
        job = {"state": "ENABLED", "schedule": flags["schedule"], "attemptDeadline": flags["attempt-deadline"]}
        cloud.table("jobs")[names[0]] = {**job, "httpTarget": target}
    return ""


def from_file(table: str, kind: str) -> Any:
    """Answer for what is made of a file and gets its name from Google: policies and the dashboard."""

    def answer(cloud: Cloud, verb: str, names: list[str]) -> Any:
        held, flags = cloud.table(table), cloud.flags
        if verb == "list":
            return list(held.values())
        cloud.change()
        if verb == "delete":
            del held[names[0]]
            return ""
        name = names[0] if verb == "update" else f"projects/my-project/{kind}/{1000 + len(held)}"
        entry = read(flags.get("policy-from-file") or flags["config-from-file"])
        told = flags.get("notification-channels") or flags.get("set-notification-channels")
        held[name] = {**entry, "name": name, **({"notificationChannels": [told]} if told else {})}
        return ""

    return answer


def channels(cloud: Cloud, verb: str, names: list[str]) -> Any:
    held = cloud.table("channels")
    if verb == "list":
        return list(held.values())
    cloud.change()
    if verb == "delete":
        del held[names[0]]
        return ""
    name = f"projects/my-project/notificationChannels/{2000 + len(held)}"
    labels = dict([cloud.flags["channel-labels"].split("=")])
    held[name] = {"name": name, "displayName": cloud.flags["display-name"], "labels": labels}
    return ""


def metrics(cloud: Cloud, verb: str, names: list[str]) -> Any:
    if verb == "describe":
        return cloud.get("metrics", names[0])
    cloud.change()
    if verb == "delete":
        del cloud.table("metrics")[names[0]]
    else:
        entry = read(cloud.flags["config-from-file"])
        cloud.table("metrics")[names[0]] = {**entry, "createTime": "2026-01-01T00:00:00Z"}
    return ""


def repositories(cloud: Cloud, verb: str, names: list[str]) -> Any:
    if verb == "describe":
        return cloud.get("repositories", names[0])
    cloud.change()
    if verb == "delete":
        del cloud.table("repositories")[names[0]]
    else:
        cloud.table("repositories")[names[0]] = {"name": names[0], "format": "DOCKER"}
    return ""


GROUPS = {
    "projects": projects,
    "services": services,
    "services identity": identity,
    "iam service-accounts": accounts,
    "storage buckets": buckets,
    "storage": remove_objects,
    "firestore databases": databases,
    "firestore fields ttls": ttls,
    "firestore indexes fields": index_fields,
    "firestore indexes composite": composite,
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
    if command == "projects:list":
        return {"status": "success", "result": [{"projectId": "my-project"}] if "project" in table else []}
    if command == "apps:list":
        return {"status": "success", "result": [{"displayName": name} for name in table.get("apps", [])]}
    if command == "apps:sdkconfig":
        config = {"projectId": "my-project", "apiKey": "public-key", "appId": "1:1:web:1", "authDomain": "x"}
        return {"status": "success", "result": {"fileName": "google-config.js", "sdkConfig": config}}
    cloud.change()
    if command == "projects:addfirebase":
        table["project"] = True
    elif command == "apps:create":
        table.setdefault("apps", []).append(cloud.words[3])
    elif command == "hosting:disable":
        del table["build"]
    elif command == "deploy":
        document, folder = read(cloud.flags["config"]), os.path.dirname(cloud.flags["config"])
        public = f"{folder}/{document['hosting']['public']}"
        for needed in (
            f"{public}/index.html",
            f"{public}/firebase-config.json",
            f"{folder}/{document['firestore']['rules']}",
        ):
            if not os.path.isfile(needed):
                fail(f"Error: {needed} is not there")
        table["build"] = read(f"{public}/build.json")
    else:
        fail(f"Error: this stand-in does not know {command}")
    return ""


def curl(cloud: Cloud) -> Any:
    if cloud.words[0] != "https://my-project.web.app/build.json" or "build" not in cloud.table("firebase"):
        fail("curl: (22) The requested URL returned error: 404")
    return cloud.table("firebase")["build"]


def main() -> None:
    program, *arguments = sys.argv[1:]
    cloud = Cloud(program, arguments)
    answer = {"gcloud": gcloud, "npx": firebase, "curl": curl}[program](cloud)
    shape = cloud.flags.get("format", "json")
    if isinstance(answer, dict | list) and shape.startswith("value("):
        found = answer[0] if isinstance(answer, list) else answer
        for key in shape[6:-1].split("."):
            found = found[key]
        answer = found
    print(answer if isinstance(answer, str) else json.dumps(answer))
    if cloud.changed:
        cloud.keep()


if __name__ == "__main__":
    main()
