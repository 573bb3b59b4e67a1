"""The system calls a script may not make, as a filter for the kernel (seccomp), built once a process.

Allow-all minus a list, as measured: Python needs some three hundred calls, and each kernel brings new ones that
confine nothing. What is refused: every socket (the channel is inherited, nothing else is talked to), looking into or
changing other processes, name spaces, mounts, kernel interfaces, and memory that no limit counts.
"""

from __future__ import annotations

import errno
import functools
import os
import tempfile
from typing import Any

_REFUSED = (
    # networks: the one channel to the broker is inherited
    "socket", "connect", "bind", "listen", "accept", "accept4",
    # other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "pidfd_open", "kcmp",
    # name spaces, mounts, other roots
    "unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsmount",
    "fsconfig", "fspick", "mount_setattr", "name_to_handle_at", "open_by_handle_at", "mknod", "mknodat",
    # the kernel itself
    "bpf", "perf_event_open", "keyctl", "add_key", "request_key", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "userfaultfd", "init_module", "finit_module", "delete_module", "kexec_load",
    "kexec_file_load", "reboot", "swapon", "swapoff", "syslog", "acct", "quotactl", "settimeofday", "clock_settime",
    "adjtimex", "clock_adjtime", "sethostname", "setdomainname", "iopl", "ioperm", "modify_ldt", "lookup_dcookie",
    "fanotify_init", "personality", "vhangup", "nfsservctl",
    # memory that no limit of ours counts
    "memfd_create", "memfd_secret", "shmget", "shmat", "msgget", "semget", "mq_open",
)  # fmt: skip
_NEW_USER_NAMESPACE = 0x10000000  # CLONE_NEWUSER
_TIOCSTI = 0x5412
"""Types into the terminal of whoever started us."""


class NoFilter(RuntimeError):
    """The filter cannot be built: libseccomp is missing."""


@functools.cache
def program() -> bytes:
    """The filter as the kernel reads it. Raises :class:`NoFilter`."""
    try:
        import pyseccomp as seccomp
    except (ImportError, OSError, RuntimeError) as error:
        raise NoFilter("libseccomp is not installed") from error
    refusal = seccomp.ERRNO(errno.EPERM)
    rules: Any = seccomp.SyscallFilter(seccomp.ALLOW)
    for name in _REFUSED:
        try:
            rules.add_rule(refusal, name)
        except (OSError, ValueError, RuntimeError):
            continue  # a call this kernel's architecture does not have
    rules.add_rule(refusal, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, _NEW_USER_NAMESPACE, _NEW_USER_NAMESPACE))
    # Its flags lie in memory, where no filter sees them; the C library then uses clone.
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    rules.add_rule(refusal, "ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, 0xFFFFFFFF, _TIOCSTI))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def as_file() -> int:
    """The filter in a file of no name, for a process about to start. The caller closes it."""
    found = os.memfd_create("boss-seccomp")
    os.write(found, program())
    os.lseek(found, 0, os.SEEK_SET)
    return found
