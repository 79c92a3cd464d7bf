"""`./deploy.sh check --local` against the local stack, so that the check itself is known to work."""

from __future__ import annotations

import re
import sys

import pytest

from infra.check.__main__ import check
from infra.check.assumptions import ASSUMPTIONS
from infra.check.target import Target
from infra.local.stack import LocalStack

CLOUD_ONLY = {
    "machines",
    "app_check",
    "client_address",
    "headers_at_submit",
    "sheet_not_shared",
    "drive_not_shared",
    "drive_read_only",
}


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp and Landlock are Linux's")
def test_all_that_can_be_shown_here_is_shown(stack: LocalStack, capsys: pytest.CaptureFixture[str]) -> None:
    """The bill arrives and leaves nothing behind; every assumption has its line; what only Google can show is said."""
    logs = stack.logs(next(name for name in stack.log_names() if stack.is_function(name))).parent
    target = Target(stack.url, stack.env, logs=logs)
    fine = check(target)
    said = capsys.readouterr().out
    print(said)
    lines = {each.name: re.search(rf"s  (\w[\w ]*\w) +{re.escape(each.text)}: ", said) for each in ASSUMPTIONS}
    outcomes = {name: line[1] for name, line in lines.items() if line}
    assert outcomes == {name: "not here" if name in CLOUD_ONLY else "ok" for name in lines}
    assert fine
    intake_id = re.search(r"intake ([0-9a-f]{32})", said)
    assert intake_id
    services = target.services
    assert not services.bucket.names(f"bills/{intake_id[1]}/")
    assert not services.bucket.names(f"words/{intake_id[1]}/")
    for collection in ("intakes", "progress"):
        assert not services.store.client.collection(collection).document(intake_id[1]).get().exists
