"""functions-framework whose gunicorn workers die with their master.

`python -m infra.local.framework ARGS` is `functions-framework ARGS`. gunicorn's workers look once a second whether their
master lives and then finish their requests for up to 30 s; a killed stack would leave them behind that long, and killing
a function in a test would not stop its work at once.
"""

from __future__ import annotations

import ctypes
import os
import signal

from functions_framework._cli import _cli

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    os.register_at_fork(after_in_child=_die_with_parent)
    _cli()
