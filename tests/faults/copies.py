"""What must be in Drive when a campaign is over: of each recorded bill one folder, with each file once, linked in its row."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import requests
from intake.rows import COPY_COLUMN, ID_COLUMN
from PIL import Image

from tests.faults.agents import Sent
from tests.support.submitter import Submitter

if TYPE_CHECKING:
    from tests.faults.verdict import Resolution

Item = dict[str, Any]


def judge_copies(
    verdict: Resolution, submitter: Submitter, sent: Sequence[Sent], intakes: Mapping[str, Mapping[str, Any]]
) -> None:
    """Compare Drive with what was recorded."""
    control = submitter.stack.control["drive"]
    there: dict[str, list[Item]] = defaultdict(list)
    for item in requests.get(f"{control}/control/items", timeout=60).json()["items"]:
        there[item["appProperties"]["intake_id"]].append(item)
    links = _links(submitter)
    for one in sent:
        items = there.pop(one.intake_id, [])
        if one.accepted and intakes.get(one.intake_id, {}).get("status") == "recorded":
            _judge_copy(verdict, submitter, one, items, links.get(one.intake_id, ""))
        elif items:
            verdict.orphans += len(items)
            verdict.wrong.append(
                f"{one.intake_id} ({one.bill.kind}) was not recorded and has {len(items)} things in Drive"
            )
    verdict.orphans += sum(len(items) for items in there.values())
    verdict.wrong += [f"{intake_id} is in Drive and nobody sent it" for intake_id in there]


def _links(submitter: Submitter) -> dict[str, str]:
    grid = requests.get(f"{submitter.stack.control['sheets']}/control/grid", params={"tab": "Intakes"}, timeout=30)
    header, *rows = grid.json()["values"]
    name, link = header.index(ID_COLUMN), header.index(COPY_COLUMN)
    return {row[name]: row[link] for row in rows if len(row) > max(name, link)}


def _judge_copy(verdict: Resolution, submitter: Submitter, one: Sent, items: Sequence[Item], link: str) -> None:
    name = f"{one.intake_id} ({one.bill.kind})"
    if not one.bill.copied:
        if "was not copied" not in link:
            verdict.wrong.append(f"{name} cannot be copied and its row says {link or 'nothing'}")
        return
    folders = [item for item in items if "file" not in item["appProperties"]]
    files = [item for item in items if "file" in item["appProperties"]]
    if len(folders) != 1 or not link.endswith(f"/drive/folders/{folders[0]['id']}"):
        verdict.wrong.append(f"{name} has {len(folders)} folders in Drive and its row links to {link or 'none'}")
        return
    if sorted(int(item["appProperties"]["file"]) for item in files) != [*range(1, len(one.bill.files) + 1)]:
        verdict.orphans += max(0, len(files) - len(one.bill.files))
        verdict.wrong.append(f"{name} has {len(files)} files in Drive for {len(one.bill.files)}")
        return
    for item in files:
        address = f"{submitter.stack.env['DRIVE_EMULATOR_HOST']}/drive/v3/files/{item['id']}"
        copy = requests.get(address, params={"alt": "media", "supportsAllDrives": "true"}, timeout=60).content
        if _same(one.bill.files[int(item["appProperties"]["file"]) - 1], copy) and item["parents"] == [
            folders[0]["id"]
        ]:
            verdict.copied += 1
        else:
            verdict.wrong.append(f"{name}: file {item['appProperties']['file']} in Drive is not what was sent")


def _same(file: bytes, copy: bytes) -> bool:
    """Tell whether a copy is what it must be: a PDF to the byte, a picture to the pixel; what is beside that is left out."""
    if file.startswith(b"%PDF"):
        return copy == file
    with Image.open(io.BytesIO(file)) as here, Image.open(io.BytesIO(copy)) as there:
        return here.size == there.size and here.tobytes() == there.tobytes()
