"""Stands for `gcloud`, `npx firebase-tools` and `curl` while the deployment is tested: commands change a JSON file.

It knows what this project's plan asks of Google and nothing else; an unknown command is an error. A thing is kept as the flags
that it was made with; where the deployment reads an answer, the answer has the shape of the product's REST API. It says
NOT_FOUND for what is not there and ALREADY_EXISTS for what is made twice. It checks no permissions and builds nothing. Whether
gcloud takes a command line at all is what test_plan asks gcloud's own parser.

What Google refuses at first and takes later it refuses too, and counts in `refused`: an account just made, a metric just made,
the role of the Eventarc agent, a change beside another one. What takes something away takes it away: a flag left out of an
alert policy's update, `--no-allow-unauthenticated` on a public function, a deployment on what was set on the service behind it.
Sources are in infra/gcp/failures.toml and beside the steps.

FAKE_CLOUD names the file; its `log` has each change, and its `project` is what the tests choose. FAKE_CLOUD_FAIL: a change
whose line contains this text fails, with FAKE_CLOUD_SAYS.
"""

from __future__ import annotations

import json
import os
import re
import sys

# Started some thousand times in the tests, so nothing is imported that takes long: no pathlib, no typing.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

PATH = os.environ["FAKE_CLOUD"]
NUMBER = "123456789012"
EVENTARC = (
    "ERROR: INVALID_ARGUMENT: Permission denied while using the Eventarc Service Agent. It may take a few minutes."
)
UNKNOWN_METRIC = (
    'ERROR: NOT_FOUND: Cannot find metric(s) that match type = "logging.googleapis.com/user/intake_oldest_s".'
)
VERBS = ["list", "describe", "create", "update", "delete", "enable", "deploy", "resume", "rm", "pull", "ack", "publish"]


class Cloud:
    """The file, the command line, and what they come to."""

    def __init__(self, program: str, arguments: list[str]) -> None:
        self.state: dict[str, Any] = read(PATH) if os.path.exists(PATH) else {"log": []}
        self.changed = False
        self.line = " ".join([program, *arguments])
        self.words = [argument for argument in arguments if not argument.startswith("--")]
        self.flags = dict(argument[2:].partition("=")[::2] for argument in arguments if argument.startswith("--"))

    def table(self, name: str) -> dict[str, Any]:
        held: dict[str, Any] = self.state.setdefault(name, {})
        return held

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
            self.state = {
                **(read(PATH) if os.path.exists(PATH) else {"log": []}),
                "refused": counts,
            }  # all else is as it was
            self.keep()
            fail(text)

    def get(self, table: str, name: str) -> Any:
        if name not in self.table(table):
            fail(f"ERROR: (gcloud) NOT_FOUND: Resource not found (resource={name}).")
        return self.table(table)[name]

    def make(self, table: str, name: str, entry: Any) -> Any:
        if name in self.table(table):
            fail(f"ERROR: (gcloud) ALREADY_EXISTS: Resource already exists in the project (resource={name}).")
        return self.table(table).setdefault(name, entry)

    def keep(self) -> None:
        with open(PATH, "w", encoding="utf-8") as file:
            json.dump(self.state, file)


def read(path: str) -> Any:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def fail(text: str) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(1)


def gcloud(cloud: Cloud) -> Any:
    """Answer one gcloud command: what is printed, as JSON or as text."""
    words, project = [word for word in cloud.words if word not in ("alpha", "beta")], cloud.table("project")
    if words[0] == "version":
        return {"alpha": "2025.06.20", "beta": "2025.06.20"}
    if words[0] == "auth":
        return os.environ.get("FAKE_CLOUD_ACCOUNT", "person@example.com") if words[1] == "list" else "a-token"
    if cloud.flags.get("project") != "my-project" and "my-project" not in words:
        fail(f"ERROR: the command names no project, or another one: {cloud.line}")
    at = next(index for index, word in enumerate(words) if word in VERBS or word.endswith("-iam-policy-binding"))
    group, verb, names = " ".join(words[:at]), words[at], words[at + 1 :]
    if verb.endswith("-binding"):
        return iam(cloud, " ".join([group, *names]), verb)
    if group == "projects":
        return {"projectNumber": NUMBER, "lifecycleState": "ACTIVE"}
    if group == "billing projects":
        return {"billingEnabled": project.get("billing", True)}
    if group == "run regions":
        return [{"locationId": name} for name in ("us-central1", "us-east4")]
    if group == "org-policies":
        return {"spec": project.get("constraints", {}).get(names[0], {})}
    if group not in GROUPS:
        fail(f"ERROR: this stand-in does not know: {cloud.line}")
    return GROUPS[group](cloud, verb, names)


def iam(cloud: Cloud, resource: str, verb: str) -> None:
    member, role, adds = cloud.flags["member"], cloud.flags["role"], verb.startswith("add")
    email, roles = member.partition(":")[2], cloud.table("iam").setdefault(resource, {})
    if email.startswith("intake-") and adds:
        unknown = f"ERROR: INVALID_ARGUMENT: Service account {email} does not exist."
        if email not in cloud.table("accounts"):
            fail(unknown)
        cloud.at_first(f"account {email}", 1, unknown)
    if resource.startswith("projects") and adds:
        cloud.at_first("policy", 1, "ERROR: ABORTED: There were concurrent policy changes. Please retry.")
    if member == "allUsers" and cloud.table("project").get("restricted"):
        fail("ERROR: FAILED_PRECONDITION: One or more users named in the policy do not belong to a permitted customer.")
    if not adds and member not in roles.get(role, []):
        fail("ERROR: (gcloud) Policy bindings with the specified member, role, and condition not found!")
    cloud.change()
    kept = [held for held in roles.get(role, []) if held != member]
    roles[role] = [*kept, member] if adds else kept


def things(table: str, prefix: str = "") -> Any:
    """Answer for what has a name that we choose, or, with a prefix, one that Google gives it."""

    def answer(cloud: Cloud, verb: str, names: list[str]) -> Any:
        flags, held = cloud.flags, cloud.table(table)
        if verb == "list":
            return list(held.values())
        name = flags.get("database") or (names or [f"{prefix}{1000 + len(held)}"])[-1]
        if table == "accounts" and verb == "create":
            name += "@my-project.iam.gserviceaccount.com"
        if verb == "describe":
            return cloud.get(table, name)
        if verb != "create":
            cloud.get(table, name)
        if verb in ("delete", "rm") and "delete-protection" in held[name]:
            fail("ERROR: FAILED_PRECONDITION: the database is protected")
        cloud.change()
        if verb in ("delete", "rm"):
            return held.pop(name) and ""
        if verb == "create":
            cloud.make(table, name, {"name": name, **MADE.get(table, lambda *_: {})(flags, name)})
        if "data-file" in flags:
            held[name]["characters"] = len(sys.stdin.read().strip())  # the text is kept nowhere
        CHANGED.get(table, changed)(cloud, verb, held, name)
        return ""

    return answer


def changed(cloud: Cloud, _verb: str, held: dict[str, Any], name: str) -> None:
    """Keep the flags."""
    held[name].update({flag: value for flag, value in cloud.flags.items() if flag not in ("location", "type")})
    if "no-delete-protection" in cloud.flags:
        held[name].pop("delete-protection", None)


def changed_job(cloud: Cloud, verb: str, held: dict[str, Any], name: str) -> None:
    if verb == "resume" and held[name]["state"] != "PAUSED":
        fail("ERROR: FAILED_PRECONDITION: the job is not paused")
    held[name].update(cloud.flags, **({"state": "ENABLED"} if verb == "resume" else {}))


def changed_metric(cloud: Cloud, verb: str, held: dict[str, Any], name: str) -> None:
    if verb == "create":
        cloud.table("young")[name] = True
    held[name] = read(cloud.flags["config-from-file"])


def changed_file(cloud: Cloud, verb: str, held: dict[str, Any], name: str) -> None:
    """Replace everything by the file, and by the channels that the flags name."""
    flags = cloud.flags
    entry = read(flags.get("policy-from-file") or flags["config-from-file"])
    if "config-from-file" in flags:
        if verb == "update" and entry.get("etag") != held[name]["etag"]:
            fail("ERROR: INVALID_ARGUMENT: Field etag had an invalid value: it is not that of the dashboard.")
        entry["etag"] = f"etag-{len(cloud.state['log'])}"
    elif cloud.table("young"):
        cloud.at_first("metrics", 3, UNKNOWN_METRIC)
    told = flags.get("notification-channels") or flags.get("set-notification-channels")
    held[name] = {**entry, "name": name, **({"notificationChannels": told.split(",")} if told else {})}


# What the deployment reads of a thing that was made, by table.
MADE: dict[str, Any] = {
    "accounts": lambda flags, name: {"email": name},
    "buckets": lambda flags, name: {"location": flags["location"].upper()},
    "databases": lambda flags, name: {"locationId": flags["location"], "type": "FIRESTORE_NATIVE"},
    "channels": lambda flags, name: {"displayName": flags["display-name"]},
    "jobs": lambda flags, name: {"state": "ENABLED"},
}
CHANGED = {"jobs": changed_job, "metrics": changed_metric, "policies": changed_file, "dashboards": changed_file}


def services(cloud: Cloud, _verb: str, names: list[str]) -> str:
    if len(names) > 20:
        fail("ERROR: (gcloud.services.enable) INVALID_ARGUMENT: too many services in one batch")
    cloud.change()
    cloud.table("services").update(dict.fromkeys(names, True))
    return ""


def quotas(cloud: Cloud, verb: str, names: list[str]) -> Any:
    if verb == "list":
        return []
    if "cloudquotas.googleapis.com" not in cloud.table("services"):
        fail("ERROR: PERMISSION_DENIED: Cloud Quotas API has not been used in project my-project before.")
    vcpus = cloud.table("project").get("vcpus", 20)
    region = {"dimensions": {"region": "us-east4"}, "details": {"value": str(vcpus * 1000)}}
    return {"quotaId": names[0], "dimensionsInfos": [region, {"details": {"value": "1000000"}}]}


def run_services(cloud: Cloud, verb: str, names: list[str]) -> Any:
    annotations = cloud.get("run", names[0])
    if verb == "describe":
        return {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    cloud.change()
    if "execution-environment" in cloud.flags:
        annotations["run.googleapis.com/execution-environment"] = cloud.flags["execution-environment"]
    if "no-invoker-iam-check" in cloud.flags:
        annotations["run.googleapis.com/invoker-iam-disabled"] = "true"
    return ""


def letters(cloud: Cloud, verb: str, names: list[str]) -> Any:
    held = cloud.table("letters")
    if verb == "pull":
        return held.get(names[0], [])
    if verb != "ack":
        return things("subscriptions")(cloud, verb, names)
    cloud.change()
    held[names[0]] = [each for each in held[names[0]] if each["ackId"] not in cloud.flags["ack-ids"].split(",")]
    return ""


def topics(cloud: Cloud, verb: str, names: list[str]) -> Any:
    if verb != "publish":
        return things("topics")(cloud, verb, names)
    cloud.change()
    return ""


def functions(cloud: Cloud, verb: str, names: list[str]) -> Any:
    name, flags = names[0], cloud.flags
    if verb == "describe":
        return cloud.get("functions", name)
    region = f"projects/my-project/locations/{flags['region']}"
    trigger, pushed = f"{region}/triggers/{name}-1", f"projects/my-project/subscriptions/eventarc-{name}-1-sub"
    if verb == "delete":
        cloud.get("functions", name)
        cloud.change()
        del cloud.table("functions")[name]
        cloud.table("triggers").pop(trigger, None)
        cloud.table("subscriptions").pop(pushed, None)
        return ""
    cloud.change()
    for account in (flags["service-account"], flags.get("trigger-service-account", flags["service-account"])):
        if account not in cloud.table("accounts"):
            fail(f"ERROR: Service account {account} does not exist.")
    if not all(os.path.exists(f"{flags['source']}/{file}") for file in ("main.py", "requirements.txt")):
        fail("ERROR: INVALID_ARGUMENT: the source has no main.py or no requirements.txt")
    if int(flags["max-instances"]) > cloud.table("project").get("vcpus", 20):
        fail("ERROR: INVALID_ARGUMENT: Max instances must be set to fewer to set the requested total CPU.")
    if "trigger-topic" in flags:
        if "roles/eventarc.serviceAgent" not in cloud.table("iam").get("projects my-project", {}):
            fail(EVENTARC)
        cloud.at_first("eventarc", 1, EVENTARC)
        cloud.table("triggers")[trigger] = pushed
        cloud.table("subscriptions").setdefault(pushed, {"name": pushed, "ack-deadline": "10"})
    cloud.table("run")[name] = {}
    if "no-allow-unauthenticated" in flags and name in cloud.table("functions"):
        for members in cloud.table("iam").get(f"run services {name}", {}).values():
            members[:] = [member for member in members if member != "allUsers"]
    variables = dict(variable.split("=", 1) for variable in flags["set-env-vars"].split(","))
    cloud.table("functions")[name] = {
        "name": f"{region}/functions/{name}",
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
            "environmentVariables": {"LOG_EXECUTION_ID": "true", **variables},  # which the platform adds
            "uri": f"https://{name}-abcdefgh-uk.a.run.app",
        },
        "eventTrigger": {"trigger": trigger, "retryPolicy": "RETRY_POLICY_RETRY" if "retry" in flags else "NONE"},
    }
    return ""


def triggers(cloud: Cloud, _verb: str, names: list[str]) -> Any:
    return {"transport": {"pubsub": {"subscription": cloud.get("triggers", names[0])}}}


GROUPS = {
    "quotas info": quotas,
    "run services": run_services,
    "services": services,
    "services identity": lambda cloud, *_: cloud.change() or "",
    "iam service-accounts": things("accounts"),
    "storage buckets": things("buckets"),
    "storage": things("buckets"),
    "firestore databases": things("databases"),
    "secrets": things("secrets"),
    "pubsub topics": topics,
    "pubsub subscriptions": letters,
    "functions": functions,
    "eventarc triggers": triggers,
    "scheduler jobs": things("jobs"),
    "monitoring policies": things("policies", "projects/my-project/alertPolicies/"),
    "monitoring dashboards": things("dashboards", "projects/my-project/dashboards/"),
    "monitoring channels": things("channels", "projects/my-project/notificationChannels/"),
    "logging metrics": things("metrics"),
    "artifacts repositories": things("repositories"),
}


def firebase(cloud: Cloud) -> Any:
    """Answer one command of the Firebase CLI; with --json it prints {"status", "result"}."""
    command, name, table = cloud.words[1], cloud.words[-1], cloud.table("firebase")
    if os.environ.get("GOOGLE_CLOUD_QUOTA_PROJECT") != "my-project":
        fail("Error: HTTP Error: 403, The firebase.googleapis.com API requires a quota project.")
    sites, apps = table.get("sites", {}), table.get("apps", {})
    site = "projects/my-project/sites/"
    answers = {
        "projects:list": [{"projectId": "my-project"}] if "project" in table else [],
        "apps:list": [{"displayName": shown, "appId": app} for shown, app in apps.items()],
        "hosting:sites:list": {
            "sites": [{"name": site + n, "type": t, "defaultUrl": f"https://{n}.web.app"} for n, t in sites.items()]
        },
        "apps:sdkconfig": {"sdkConfig": {"projectId": "my-project", "apiKey": "public-key", "appId": name}},
    }
    if command in answers:
        if command == "apps:sdkconfig" and name not in apps.values():
            fail("Error: Project my-project has multiple apps, must specify an app id.")
        return {"status": "success", "result": answers[command]}
    cloud.change()
    if command == "projects:addfirebase":
        table["project"] = True
    elif command == "hosting:sites:create":
        if name in cloud.table("project").get("taken_sites", []):
            fail(f"Error: HTTP Error: 400, Invalid name: `{name}` is already reserved by another project")
        table.setdefault("sites", {})[name] = "DEFAULT_SITE"
    elif command == "apps:create":
        table.setdefault("apps", {})[name] = f"1:1:web:{len(apps)}"
    elif command == "hosting:disable":
        table.pop("site", None)
    elif command == "deploy":
        deploy_firebase(cloud, table)
    else:
        fail(f"Error: this stand-in does not know {command}")
    return ""


def deploy_firebase(cloud: Cloud, table: dict[str, Any]) -> None:
    document, folder = read(cloud.flags["config"]), os.path.dirname(cloud.flags["config"])
    if cloud.flags["only"] == "firestore":
        cloud.at_first("indexes", 1, "Error: Request to firestore.googleapis.com had HTTP Error: 409, aborted")
        with open(f"{folder}/{document['firestore']['rules']}", encoding="utf-8") as rules:
            cloud.state["rules"] = rules.read()
        cloud.state["indexes"] = read(f"{folder}/{document['firestore']['indexes']}")
        return
    if document["hosting"]["site"] not in table.get("sites", {}):
        fail("Error: Unable to deploy to Hosting as there is no Hosting site.")
    public = f"{folder}/{document['hosting']['public']}"
    if not os.path.isfile(f"{public}/index.html"):
        fail("Error: there is no page")
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
    key, _, wanted = cloud.flags.get("filter", "").partition("=")
    if isinstance(answer, list) and wanted:
        answer = [entry for entry in answer if str(entry.get(key)) == wanted.strip('"')]
    if shape := re.fullmatch(r"value\((.*)\)", cloud.flags.get("format", "")):
        found = [answer] if isinstance(answer, dict) else answer if isinstance(answer, list) else []
        for part in shape[1].split("."):
            found = [entry[part] for entry in found]
        answer = "\n".join(map(str, found)) if isinstance(answer, dict | list) else answer
    print(answer if isinstance(answer, str) else json.dumps(answer))
    if cloud.changed:
        cloud.keep()


if __name__ == "__main__":
    main()
