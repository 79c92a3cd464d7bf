"""Where Google's emulators and Java are found, and what is said when they are not."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from infra.local import emulators
from infra.local.processes import StackError


class Machine:
    """A machine with the commands that a test installs on it, and nothing else.

    Args:
        root: Folder that stands for the machine.
        monkeypatch: Leads PATH and HOME there until the end of the test.
    """

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.bin = root / "bin"
        self.home = root / "home"
        self.bin.mkdir()
        self.home.mkdir()
        monkeypatch.setenv("PATH", str(self.bin))
        monkeypatch.setenv("HOME", str(self.home))
        self.said: list[str] = []

    @property
    def cache(self) -> Path:
        """Where firebase-tools keeps its emulators."""
        return self.home / ".cache" / "firebase" / "emulators"

    def install(self, name: str, script: str = "", folder: Path | None = None) -> Path:
        """Put a shell script in place of a command."""
        path = (folder or self.bin) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n", "utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def touch(self, path: Path) -> Path:
        """Put an empty file in place of a jar."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    def sdk(self, root: Path) -> tuple[Path, Path]:
        """Put a gcloud SDK with both emulators below `root`; return the jars."""
        return (
            self.touch(root / "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"),
            self.touch(root / "platform/pubsub-emulator/lib/cloud-pubsub-emulator-0.8.20-all.jar"),
        )

    def find(self) -> emulators.Emulators:
        """Look for everything on this machine."""
        return emulators.find(self.said.append)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_the_sdk_is_found_behind_the_link_of_its_command(machine: Machine) -> None:
    """Debian's /usr/bin/gcloud is a link into the SDK; gcloud itself, which is slow, is not asked."""
    sdk = machine.root / "google-cloud-sdk"
    jars = machine.sdk(sdk)
    java = machine.install("java")
    gcloud = machine.install("gcloud", "echo called >&2; exit 1", sdk / "bin")
    (machine.bin / "gcloud").symlink_to(gcloud)
    found = machine.find()
    assert (found.java, found.firestore_jar, found.pubsub_jar) == (java, *jars)
    assert found.storage_binary.is_file()
    assert machine.said == []


def test_a_wrapped_gcloud_is_asked_for_its_root(machine: Machine) -> None:
    """Where the command is a script of its own, as with snap, gcloud says where it is."""
    sdk = machine.root / "elsewhere"
    jars = machine.sdk(sdk)
    machine.install("java")
    machine.install("gcloud", f'[ "$1" = info ] && echo "{sdk}"')
    found = machine.find()
    assert (found.firestore_jar, found.pubsub_jar) == jars


def test_the_newest_emulator_of_the_cache_is_taken(machine: Machine) -> None:
    """Versions are compared as numbers: 1.19.10 is newer than 1.19.9."""
    machine.install("java")
    for version in ("1.19.9", "1.19.10", "1.2.30"):
        machine.touch(machine.cache / f"cloud-firestore-emulator-v{version}.jar")
    pubsub = "pubsub-emulator-0.8.14/pubsub-emulator/lib/cloud-pubsub-emulator-0.8.14-all.jar"
    machine.touch(machine.cache / pubsub)
    found = machine.find()
    assert found.firestore_jar.name == "cloud-firestore-emulator-v1.19.10.jar"
    assert found.pubsub_jar == machine.cache / pubsub


def test_firebase_tools_fetches_what_is_missing(machine: Machine) -> None:
    """Each emulator is asked for by name, once, and the user is told."""
    machine.install("java")
    machine.install(
        "npx",
        f'cd "{machine.cache.parent.parent.parent}" && mkdir -p .cache/firebase/emulators && cd .cache/firebase/emulators\n'
        'echo "$@" >> asked\n'
        'case "$3" in\n'
        "  *:firestore) touch cloud-firestore-emulator-v1.19.8.jar ;;\n"
        "  *:pubsub) mkdir -p pubsub-emulator-0.8.14/pubsub-emulator/lib\n"
        "    touch pubsub-emulator-0.8.14/pubsub-emulator/lib/cloud-pubsub-emulator-0.8.14-all.jar ;;\n"
        "esac",
    )
    machine.find()
    machine.find()
    asked = (machine.cache / "asked").read_text("utf-8").splitlines()
    assert asked == [f"--yes {emulators.FIREBASE_TOOLS} setup:emulators:{name}" for name in ("firestore", "pubsub")]
    assert len(machine.said) == 2


def test_an_emulator_that_cannot_be_got_is_named_with_the_commands(machine: Machine) -> None:
    """Also when firebase-tools failed: the message says what to run."""
    machine.install("java")
    machine.install("npx", "exit 1")
    with pytest.raises(StackError) as failure:
        machine.find()
    message = str(failure.value)
    assert "gcloud components install cloud-firestore-emulator" in message
    assert "apt-get install google-cloud-cli-firestore-emulator" in message
    assert f"npx --yes {emulators.FIREBASE_TOOLS} setup:emulators:firestore" in message


def test_missing_java_is_named_with_the_command(machine: Machine) -> None:
    """Without a way to install it, the exact command is given."""
    with pytest.raises(StackError, match="sudo apt-get install default-jre-headless"):
        machine.find()


def test_root_gets_java_from_debian(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the package list is out of date, it is updated and the installation tried again."""
    machine.sdk(machine.root)
    machine.install("gcloud")
    java = machine.bin / "java"
    machine.install(
        "apt-get",
        f'case "$1" in\n'
        f'  update) touch "{machine.root}/updated" ;;\n'
        f'  install) [ -e "{machine.root}/updated" ] || exit 100\n'
        f'    printf "#!/bin/sh\\n" > "{java}" && chmod +x "{java}" ;;\n'
        "esac",
    )
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert machine.find().java == java
    assert machine.said == ["Installing Java (default-jre-headless) for Google's emulators ..."]


def test_command_lines(machine: Machine) -> None:
    """Everything listens on the loopback address only."""
    tools = emulators.Emulators(Path("/java"), Path("/f.jar"), Path("/p.jar"), Path("/gcs"))
    commands = [
        tools.firestore_command(1, machine.root / "rules"),
        tools.pubsub_command(2),
        tools.storage_command(3, machine.root),
    ]
    for port, command in enumerate(commands, start=1):
        line = " ".join(command)
        assert "127.0.0.1" in line
        assert f"port={port}" in line or f"-port {port}" in line
        assert "0.0.0.0" not in line
