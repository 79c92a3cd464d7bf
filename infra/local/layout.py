"""Who stands where in a local stack: ports, the environment that leads clients there, the command line of every process."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra import site
from infra.local.emulators import Emulators
from infra.local.options import ROOT, StackOptions
from infra.local.ports import free_ports, port_holder, port_is_free
from infra.local.processes import Child, StackError
from infra.local.state import StateDir
from infra.spec import FunctionSpec

PROJECT = "greenwatt-local"
BUCKET = "greenwatt-local-bills"
SHEET_ID = "greenwatt-local-sheet"
DRIVE_FOLDER = "greenwatt-local-bills-folder"
TOPICS = {"OCR_TOPIC": "ocr-requests", "SHEET_TOPIC": "sheet-requests"}
EMULATORS = ("firestore", "pubsub", "storage")
STAND_INS = ("vision", "sheets", "drive")
LINKED = ("storage", "drive")
"""What the links in the sheet lead to: their ports are those of last time where they are free."""


@dataclass(frozen=True)
class Layout:
    """The places of one stack.

    Attributes:
        options: How the stack is run.
        specs: The functions by name.
        ports: Port by process; also `front` and the stand-ins' `NAME-control`.
    """

    options: StackOptions
    specs: Mapping[str, FunctionSpec]
    ports: Mapping[str, int]

    @classmethod
    def choose(cls, options: StackOptions, specs: Mapping[str, FunctionSpec], state: StateDir) -> Layout:
        """Choose free ports; those that the sheet's links hold are last time's when they are free.

        Raises:
            StackError: The port of the site is in use.
        """
        port = options.port
        if port and not port_is_free(port):
            raise StackError(
                f"Port {port} is in use by {port_holder(port)}. End it, or choose another port with --port N."
            )
        instances = [instance for name in specs for instance in instance_names(name, options.ocr_workers)]
        controls = [f"{name}-control" for name in STAND_INS]
        names = ["storage", "firestore", "pubsub", *STAND_INS, *controls, "front", "gateway", *instances]
        usual = {name: place for name in LINKED if (place := state.usual_port(name)) and port_is_free(place)}
        names.sort(key=lambda name: name not in usual)
        ports = dict(zip(names, free_ports(len(names), [usual[name] for name in names if name in usual]), strict=True))
        ports["gateway"] = port or ports["gateway"]
        for name in LINKED:
            state.remember_port(name, ports[name])
        return cls(options, specs, ports)

    def address(self, name: str) -> str:
        """Return host:port of a process."""
        return f"127.0.0.1:{self.ports[name]}"

    @property
    def url(self) -> str:
        """Address of the site."""
        return f"http://localhost:{self.ports['gateway']}"

    @property
    def sheet_url(self) -> str:
        """The sheet as a page."""
        return f"http://{self.address('sheets')}/spreadsheets/d/{SHEET_ID}/edit"

    @property
    def env(self) -> dict[str, str]:
        """Environment that leads the official clients, and the functions, to this stack."""
        return {
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "BILLS_BUCKET": BUCKET,
            "SHEET_ID": SHEET_ID,
            **TOPICS,
            "STORAGE_EMULATOR_HOST": f"http://{self.address('storage')}",
            "FIRESTORE_EMULATOR_HOST": self.address("firestore"),
            "PUBSUB_EMULATOR_HOST": self.address("pubsub"),
            "VISION_EMULATOR_HOST": self.address("vision"),
            "SHEETS_EMULATOR_HOST": f"http://{self.address('sheets')}",
            "DRIVE_FOLDER": DRIVE_FOLDER,
            "DRIVE_EMULATOR_HOST": f"http://{self.address('drive')}",
        }

    def instances(self, function: str) -> list[str]:
        """Return the processes of a function; of anything else, its own name."""
        return instance_names(function, self.options.ocr_workers)

    def function_url(self, name: str) -> str:
        """Return the address of function `name` behind Cloud Run's front."""
        return f"http://{self.address('front')}/{name}"

    def children(self, tools: Emulators, state: StateDir) -> Iterator[Child]:
        """Yield every process of the stack, none of them started."""
        emulators = {
            "firestore": tools.firestore_command(self.ports["firestore"], ROOT / "infra" / "firestore.rules"),
            "pubsub": tools.pubsub_command(self.ports["pubsub"]),
            "storage": tools.storage_command(self.ports["storage"], state.path / "storage"),
        }
        sheet = ["--state", str(state.path / "sheet.json"), "--sheet-id", SHEET_ID]
        stand_ins = {
            "sheets": self._stand_in("sheets", *sheet, *self.options.sheets_args),
            "vision": self._stand_in("vision", *self.options.vision_args),
            "drive": self._stand_in("drive", "--state", str(state.path / "drive"), "--folder", DRIVE_FOLDER),
        }
        for name, argv in {**emulators, **stand_ins, "gateway": self._gateway()}.items():
            yield Child(name, argv, state.logs / f"{name}.log", {"PYTHONUNBUFFERED": "1"}, cwd=ROOT)
        for spec in self.specs.values():
            for instance in self.instances(spec.name):
                argv = self._function(spec.name, self.ports[instance])
                yield Child(instance, argv, state.logs / f"{instance}.log", self._function_env(spec), cwd=ROOT)

    def _stand_in(self, name: str, *arguments: str) -> list[str]:
        own = ["--port", str(self.ports[name]), "--control-port", str(self.ports[f"{name}-control"])]
        return _module(name, *own, *arguments)

    def _function(self, name: str, port: int) -> list[str]:
        address = ["--host", "127.0.0.1", "--port", str(port)]
        framework = _module("framework", "--source", str(self.options.source), "--target", name, *address)
        return [self.options.python, *framework[1:]]

    def _function_env(self, spec: FunctionSpec) -> dict[str, str]:
        # FUNCTION_TARGET is what Cloud Run sets; the log lines carry it.
        own = {"FUNCTION_TARGET": spec.name, "THREADS": str(spec.threads), "WORKERS": "1", "PYTHONUNBUFFERED": "1"}
        return {**self.env, **own, **spec.environment, **self.options.function_env}

    def _gateway(self) -> list[str]:
        own = ["--port", str(self.ports["gateway"]), "--front-port", str(self.ports["front"])]
        hosting = ["--hosting", str(ROOT / "infra" / "firebase.json"), "--sheet-url", self.sheet_url]
        firestore = ["--firestore-origin", f"http://{self.address('firestore')}"]
        page = site.current()
        static = ["--public", str(page.public), "--firebase-config", self._firebase_config() if page.live else "null"]
        services = [
            f"--service={name}={','.join(str(self.ports[instance]) for instance in self.instances(name))}"
            for name in self.specs
        ]
        return _module("gateway", *own, *hosting, *firestore, *static, *services)

    def _firebase_config(self) -> str:
        emulator = {"host": "127.0.0.1", "port": self.ports["firestore"]}
        # The emulator takes any key; Firebase's SDK insists on one.
        return json.dumps({"projectId": PROJECT, "apiKey": "local", "emulator": emulator})


def instance_names(function: str, ocr_workers: int) -> list[str]:
    """Return the names of a function's processes: `ocr`, `ocr-2`, `ocr-3` ...; all others have one."""
    if function != "ocr":
        return [function]
    return [function, *(f"{function}-{number}" for number in range(2, ocr_workers + 1))]


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"infra.local.{name}", *arguments]
