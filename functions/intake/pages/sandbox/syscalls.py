"""System calls that the worker gives up once its libraries are loaded, so that code in a hostile file cannot get out.

    network            no new sockets (the one to `ocr` is open already)
    other programs     no exec, no fork; threads stay allowed, because libraries use them
    other processes    no access to their memory, and no signals
    files              no writing, creating or removing (Landlock)

Neither needs privileges: seccomp(2) and landlock(7) require only no_new_privs. Both are called by number, because the library
that builds such filters (libseccomp) is not in the functions' image. If a kernel refuses one, the worker reports that and
keeps its other limits: an instance of the first generation runs on gVisor, which emulates most system calls and
not all (https://cloud.google.com/run/docs/configuring/execution-environments).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _SECCOMP_MODE_FILTER = 22, 38, 2  # linux/prctl.h, linux/seccomp.h
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000  # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO
_CLONE_THREAD = 0x00010000  # linux/sched.h
_X32 = 0x40000000  # from here on x86-64 takes the same calls by other numbers, asm/unistd.h

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_* in linux/audit.h
# What is refused, and what is looked at: asm/unistd_64.h, and asm-generic/unistd.h, which has no fork and vfork.
_NUMBERS = {
    "x86_64": {
        "socket": 41, "clone": 56, "fork": 57, "vfork": 58, "execve": 59, "kill": 62, "ptrace": 101, "rt_sigqueueinfo": 129,
        "tkill": 200, "tgkill": 234, "unshare": 272, "rt_tgsigqueueinfo": 297, "perf_event_open": 298, "setns": 308,
        "process_vm_readv": 310, "process_vm_writev": 311, "bpf": 321, "execveat": 322, "userfaultfd": 323,
    },
    "aarch64": {
        "unshare": 97, "ptrace": 117, "kill": 129, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138, "socket": 198,
        "clone": 220, "execve": 221, "rt_tgsigqueueinfo": 240, "perf_event_open": 241, "setns": 268, "process_vm_readv": 270,
        "process_vm_writev": 271, "bpf": 280, "execveat": 281, "userfaultfd": 282,
    },
}  # fmt: skip
# The same everywhere, as all newer ones are.
_COMMON = {"pidfd_send_signal": 424, "io_uring_setup": 425, "pidfd_open": 434, "clone3": 435, "pidfd_getfd": 438}
_LOOKED_AT = {"clone", "clone3", "tgkill"}
_LANDLOCK_CREATE_RULESET, _LANDLOCK_RESTRICT_SELF = 444, 446
_WRITING = 0x1FF3
"""LANDLOCK_ACCESS_FS_* of the first version (linux/landlock.h), without READ_FILE and READ_DIR."""

GAPS = ("platform", "no_new_privs", "seccomp", "landlock", "seccomp and landlock")

_libc = ctypes.CDLL(None, use_errno=True)


def apply_filter() -> str:
    """Give up the system calls that the worker never needs; this cannot be undone.

    Returns:
        What could not be given up (one of `GAPS`) and the name of the system's error, or "".
    """
    if sys.platform != "linux" or platform.machine() not in _ARCHITECTURES:
        return "platform: unknown"
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return f"no_new_privs: {_reason()}"
    refused = [what for what, give_up in (("seccomp", _filter_calls), ("landlock", _write_nothing)) if not give_up()]
    return f"{' and '.join(refused)}: {_reason()}" if refused else ""


def _reason() -> str:
    return errno.errorcode.get(ctypes.get_errno(), "unknown")


def _write_nothing() -> bool:
    """Forbid all ways of writing (landlock(7)); this also protects the memory of other processes."""
    handled = ctypes.c_uint64(_WRITING)
    ruleset = _libc.syscall(_LANDLOCK_CREATE_RULESET, ctypes.byref(handled), ctypes.sizeof(handled), 0)
    if ruleset < 0:
        return False
    refused = _libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    return not refused


def _filter_calls() -> bool:
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in _program(platform.machine(), os.getpid()))
    held = ctypes.create_string_buffer(program)
    # struct sock_fprog in linux/filter.h: the count of instructions and where they are.
    described = ctypes.create_string_buffer(struct.pack("HP", len(program) // 8, ctypes.addressof(held)))
    return not _libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, described, 0, 0)


def _program(machine: str, pid: int) -> list[tuple[int, int, int, int]]:
    """Return the filter: instructions of classic BPF over struct seccomp_data (linux/bpf_common.h, linux/seccomp.h)."""

    def load(offset: int) -> tuple[int, int, int, int]:
        return (0x20, 0, 0, offset)

    def end(value: int) -> tuple[int, int, int, int]:
        return (0x06, 0, 0, value)

    def unless_equal(value: int, skip: int) -> tuple[int, int, int, int]:
        return (0x15, 0, skip, value)

    numbers = {**_NUMBERS[machine], **_COMMON}
    allow, refuse = end(_ALLOW), end(_REFUSE | errno.EPERM)
    number, architecture, first_argument = load(0), load(4), load(16)
    program = [architecture, (0x15, 1, 0, _ARCHITECTURES[machine]), refuse, number, (0x35, 0, 1, _X32), refuse]
    for refused in sorted(numbers[name] for name in numbers.keys() - _LOOKED_AT):
        program += [unless_equal(refused, 1), refuse]
    # glibc takes the older call when there is no newer one; the filter could not see the newer one's flags.
    program += [unless_equal(numbers["clone3"], 1), end(_REFUSE | errno.ENOSYS)]
    program += [unless_equal(numbers["clone"], 4), first_argument, (0x45, 1, 0, _CLONE_THREAD), refuse, allow]
    # abort(3) signals its own process.
    program += [unless_equal(numbers["tgkill"], 4), first_argument, (0x15, 1, 0, pid), refuse, allow]
    return [*program, allow]
