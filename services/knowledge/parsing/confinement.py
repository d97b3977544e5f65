"""What a parser's process gives up before it meets a document. Runs in the child; Linux, and less of it elsewhere.

Limits bound what a document may cost. Beyond them the kernel is asked to refuse what no parser needs: Landlock (Linux
5.13) every file but Python's own, seccomp every socket, program start and look into another process. A kernel without
them leaves the parsers' own settings, which follow no reference either.
"""

import contextlib
import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2

_OPEN_FILES = 64

# The first system calls of Landlock have the same numbers everywhere.
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
_LANDLOCK_VERSION_FLAG = 1
_LANDLOCK_RULE_PATH_BENEATH = 1
# How many rights over files each version of Landlock knows; later versions add none that matters here.
_LANDLOCK_RIGHTS = {1: 13, 2: 14}
_LANDLOCK_MOST_RIGHTS = 15
_LANDLOCK_READ = 1 << 2 | 1 << 3
_LANDLOCK_READ_FILE = 1 << 2

# Audit architecture, then the numbers of: socket, socketpair, connect, execve, execveat, ptrace, process_vm_readv,
# process_vm_writev, io_uring_setup, bpf, kill, tgkill, pidfd_open.
_REFUSED_CALLS = {
    "x86_64": (0xC000003E, (41, 53, 42, 59, 322, 101, 310, 311, 425, 321, 62, 234, 434)),
    "aarch64": (0xC00000B7, (198, 199, 203, 221, 281, 117, 270, 271, 425, 280, 129, 131, 434)),
}
_X32_CALLS = 0x40000000
_LOAD_WORD, _JUMP_IF_EQUAL, _JUMP_IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_OFFSET_CALL, _OFFSET_ARCHITECTURE = 0, 4
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 1  # refuse with EPERM


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def confine(parent: int, readable: Iterable[str]) -> list[str]:
    """Confines this process for good and returns which of "files" and "calls" the kernel now guards.

    `parent` is the process whose death ends this one; `readable` are the only folders and files it can read from then
    on. Threads that already run stay as they are, so this comes first.
    """
    os.umask(0o077)
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
    ):
        resource.setrlimit(kind, (most, most))
    if sys.platform != "linux":
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the kernel knew
        os._exit(1)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    guarded: list[str] = []
    if _guard_files(libc, readable):
        guarded.append("files")
    if _guard_calls(libc):
        guarded.append("calls")
    return guarded


def limit_document(memory_bytes: int, cpu_seconds: int) -> None:
    """Bounds the address space of this process and the processor time of what it does next."""
    with contextlib.suppress(ValueError, OSError):  # macOS refuses to bound the address space
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, resource.getrlimit(resource.RLIMIT_AS)[1]))
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + cpu_seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _guard_files(libc: ctypes.CDLL, readable: Iterable[str]) -> bool:
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION_FLAG)
    if version < 1:
        return False
    handled = ctypes.c_uint64((1 << _LANDLOCK_RIGHTS.get(version, _LANDLOCK_MOST_RIGHTS)) - 1)
    ruleset = libc.syscall(_LANDLOCK_CREATE_RULESET, ctypes.byref(handled), ctypes.sizeof(handled), 0)
    if ruleset < 0:
        return False
    try:
        for path in readable:
            try:
                descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            rights = _LANDLOCK_READ if Path(path).is_dir() else _LANDLOCK_READ_FILE
            rule = _PathBeneath(rights, descriptor)
            libc.syscall(_LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_RULE_PATH_BENEATH, ctypes.byref(rule), 0)
            os.close(descriptor)
        return libc.syscall(_LANDLOCK_RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _guard_calls(libc: ctypes.CDLL) -> bool:
    known = _REFUSED_CALLS.get(platform.machine())
    if known is None:
        return False
    architecture, calls = known
    refuse_at = len(calls) + 5
    program = [
        (_LOAD_WORD, 0, 0, _OFFSET_ARCHITECTURE),
        (_JUMP_IF_EQUAL, 0, refuse_at - 2, architecture),
        (_LOAD_WORD, 0, 0, _OFFSET_CALL),
        (_JUMP_IF_AT_LEAST, refuse_at - 4, 0, _X32_CALLS),
        *((_JUMP_IF_EQUAL, refuse_at - 5 - index, 0, call) for index, call in enumerate(calls)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    instructions = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(instructions, len(instructions))
    described = _Filter(len(program), ctypes.cast(buffer, ctypes.c_char_p))
    return libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(described), 0, 0) == 0
