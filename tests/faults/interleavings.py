"""Play random interleavings of the whole product in memory: python -m tests.faults.interleavings --count 100000 --seed 1.

Each is drawn from its own seed: submissions, deliveries (early, late, twice, never), sweeps, hours that pass, and for every
request of every run whether it works, fails, loses its answer, is repeated or kills the process. Then all is quiet, and
everything has to come to its end. The first that does not is printed with its seed, and can be played again alone.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT / "functions"), str(_ROOT)]

from tests.faults import tables  # noqa: E402
from tests.faults.in_memory import BILLS  # noqa: E402
from tests.faults.world import BATCH, ORDERS, World, patched  # noqa: E402

STEPS = 60


def key(number: int) -> str:
    """Return the idempotency key of a submission."""
    return f"{number:032d}"


def act(world: World, luck: random.Random, done: Counter[str], calm: bool) -> None:
    """Do one thing, drawn by chance; `calm` spares submissions and pages, so that many rows come together."""
    match luck.choices(("submit", "deliver", "go on", "sweep", "time", "lose", "office"), (3, 6, 14, 2, 2, 1, 1))[0]:
        case "submit":
            # Few keys: the same submission comes again, also while it is still being taken.
            number = luck.randrange(12 if calm else len(BILLS))
            run = world.submit("one page" if calm else list(BILLS)[number], key(number))
            if calm:
                world.finish(run)
            done["submissions"] += 1
        case "deliver" if world.messages:
            message = luck.choice(world.messages)
            if delivered := world.deliver(message):
                if luck.random() < 0.8:
                    world.messages.remove(message)  # else it will come once more
                if calm and message.topic == "ocr":
                    world.finish(delivered)
            done["deliveries"] += 1
        case "go on" if world.runs:
            run = luck.choice(world.runs)
            # Few requests matter as much as the one that cannot be made harmless: every second one of these fails.
            works = 6 if run.request == BATCH else 30
            order = luck.choices(ORDERS, (works, 2, 2, 2, 1, 1, 1, 1))[0]
            done[order] += 1
            world.go_on(run, order)
            while not run.over and luck.random() < 0.7:
                world.go_on(run)
        case "sweep":
            world.sweep()
            done["sweeps"] += 1
        case "time":
            world.pass_time(luck.choice((1, 2, 12, 12, 20) if calm else (1, 2, 20, 100, 200, 4000)))
        case "office":
            what = luck.choice(("token deleted", "token deleted", "filter set", "filter set", "filter removed"))
            if what == "token deleted":
                world.delete_token()
            else:
                world.filter_rows(luck.choice(("lost", "top")) if what == "filter set" else "")
            done[what] += 1
        case "lose" if world.messages:
            world.messages.remove(luck.choice(world.messages))
            done["messages lost"] += 1


def play(seed: str) -> Counter[str]:
    """Play one interleaving and check it; return what was done in it."""
    luck, world, done = random.Random(seed), World(), Counter[str]()
    calm = luck.random() < 0.3
    with patched(world):
        for _ in range(STEPS):
            act(world, luck, done, calm)
        world.quiet()
    done["requests"] = world.requests
    done["intakes"] = len(world.promised)
    done["rows"] = len(world.rows)
    return done


def main() -> int:
    """Play many; return 0 if all came to their end."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.interleavings", description=(__doc__ or "").split(":")[0]
    )
    parser.add_argument("--seed", default="1", help="of all (default: 1)")
    parser.add_argument("--count", type=int, default=10_000, metavar="N", help="how many (default: 10000)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this long")
    parser.add_argument("--only", type=int, metavar="I", help="play this one alone")
    parser.add_argument("--write", action="store_true", help="write the section of docs/reliability.md")
    options = parser.parse_args()
    total, started, played, wrong = Counter[str](), time.monotonic(), 0, 0
    for number in range(options.count) if options.only is None else [options.only]:
        if time.monotonic() - started > options.seconds:
            break
        try:
            played += 1
            total += play(f"{options.seed}/{number}")
        except Exception:
            wrong += 1
            print(f"interleaving {number} of seed {options.seed}:\n{traceback.format_exc()}")
            if wrong == 5:
                break
    text = _table(options.seed, total, time.monotonic() - started, played, wrong)
    print(text)
    if options.write:
        tables.write_section("interleavings", text)
    return 1 if wrong else 0


def _table(seed: str, total: Counter[str], seconds: float, count: int, wrong: int) -> str:
    rows = {"seed": seed, "interleavings": count, "**that ended wrong**": wrong, **total, "seconds": round(seconds)}
    lines = [
        f"| {name} | {value:,} |" if isinstance(value, int) else f"| {name} | {value} |" for name, value in rows.items()
    ]
    return "\n".join([lines[0], "|---|--:|", *lines[1:]])


if __name__ == "__main__":
    sys.exit(main())
