"""`./deploy.sh local`: keep the local stack up, show what happens in it, stop all of it on Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from infra import site, spec
from infra.local.console import Console
from infra.local.processes import StackError
from infra.local.stack import LocalStack, StackOptions

_POLL_S = 0.2
_RESTARTS = 5


def stop_on_signals() -> None:
    """Turn the first SIGINT, SIGTERM or SIGHUP into KeyboardInterrupt and ignore the following, so that stopping is not cut."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)
        raise KeyboardInterrupt

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, interrupt)


def watch(stack: LocalStack) -> NoReturn:
    """Show the stack until interrupted; a function that dies is started again, as Cloud Run does.

    Raises:
        StackError: An emulator or stand-in died, or a function keeps dying.
    """
    specs, _ = spec.load()
    console = Console({name: stack.logs(name) for name in stack.log_names()}, stack.memory, specs)
    restarts = 0
    while True:
        console.poll()
        for child in stack.ended():
            restarts += 1
            if not stack.is_function(child.name) or restarts > _RESTARTS:
                raise StackError(child.describe_exit())
            print(f"{child.name} ended; starting it again. Its log: {child.log_path}")
            stack.restart(child.name)
        time.sleep(_POLL_S)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./deploy.sh local", description="Run the whole intake on this machine.")
    parser.add_argument("--port", type=int, default=8080, help="port of the site (default: %(default)s)")
    parser.add_argument(
        "--ocr-workers", type=int, default=1, metavar="N", help="instances of ocr (default: %(default)s)"
    )
    parser.add_argument(
        "--sweep-seconds",
        type=float,
        default=60.0,
        metavar="S",
        help="seconds between sweeps (default: %(default)s)",
    )
    parser.add_argument(
        "--state-dir",
        type=Path,
        default=StackOptions.state_dir,
        metavar="DIR",
        help="bills, sheet and logs (default: .local)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run until interrupted; return the exit status."""
    options = _parser().parse_args(argv)
    stack_options = StackOptions(
        state_dir=options.state_dir,
        port=options.port,
        ocr_workers=options.ocr_workers,
        sweep_seconds=options.sweep_seconds,
    )
    stop_on_signals()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        began = time.monotonic()
        print("Starting the local stack ...")
        site.build(stack_options.say)
        with LocalStack(stack_options) as stack:
            print(f"GreenWatt Intake runs at {stack.url} (started in {time.monotonic() - began:.1f} s)")
            print(f"  form   {stack.url}/          sheet  {stack.url}/sheet")
            print(f"  submit ./deploy.sh submit{'' if options.port == 8080 else f' --url {stack.url}'} FILE...")
            print(f"  logs   {options.state_dir / 'logs'}")
            print("Ctrl-C stops all of it.")
            try:
                watch(stack)
            finally:
                print("Stopping ...")
    except KeyboardInterrupt:
        print("Stopped.")
        return 0
    except StackError as exc:
        print(exc, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
