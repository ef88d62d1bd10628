"""Who runs Postgres. It refuses to be root, so root has to find it another user and a way to its files."""

import asyncio
import ctypes
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.processes.errors import CannotStart

CAPABILITY_BITS = {"dac_override": 1, "dac_read_search": 2}
"""capabilities(7): reach every file, or only pass and read."""

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Launcher:
    """How to start a program of Postgres: as ourselves, or as `account` when we are root.

    Where that account cannot reach the programs or the data (everything lies below /root, say), the process gets the
    one capability that lets it pass; the permissions of directories that are not ours stay as they are.
    """

    account: pwd.struct_passwd | None = None
    capability: str | None = None

    async def start(self, command: Sequence[str], *, output: int) -> asyncio.subprocess.Process:
        """Start in a session of its own, so that Ctrl-C in the terminal reaches our process and not Postgres."""
        account = self.account if self.capability is None else None
        return await asyncio.create_subprocess_exec(
            *self._with_capability(),
            *command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            # Nothing of the caller's environment: PGPORT, PGDATA or LC_ALL would change the server.
            env={"PATH": os.defpath + ":/usr/sbin:/sbin", "LC_ALL": "C"},
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            user=account and account.pw_uid,
            group=account and account.pw_gid,
            extra_groups=account and [],
        )

    def give(self, path: Path) -> None:
        """Make the account the owner."""
        if self.account is not None:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def _with_capability(self) -> list[str]:
        """setpriv(1) replaces itself with the program, so the process id stays the one we started.

        Without `no_setuid_fixup` the capability would count for open(2) but not for access(2), which initdb asks.
        """
        if self.account is None or self.capability is None:
            return []
        identity = [f"--reuid={self.account.pw_uid}", f"--regid={self.account.pw_gid}", "--clear-groups"]
        rights = [f"--inh-caps=+{self.capability}", f"--ambient-caps=+{self.capability}"]
        return ["setpriv", *identity, *rights, "--securebits=+no_setuid_fixup", "--pdeathsig=INT"]


def launcher_for(program: Path, cluster: Path) -> Launcher:
    """The way to run `program` on the data in `cluster`, which need not exist yet.

    Raises CannotStart if the data belongs to somebody else, or there is no way for root.
    """
    if os.geteuid() != 0:
        owner = cluster.stat().st_uid if cluster.exists() else os.geteuid()
        if owner != os.geteuid():
            raise CannotStart(f"{cluster} belongs to the user {name_of(owner)}; start as that user or as root.")
        return Launcher()
    account = _account(cluster)
    may_run = _lets_pass(program, account)
    if may_run and all(_lets_pass(path, account) for path in [*program.parents, *cluster.parents]):
        return Launcher(account)
    wanted = ["dac_read_search", "dac_override"] if may_run else ["dac_override"]
    capability = next((name for name in wanted if _has_capability(name)), None)
    if capability is None or shutil.which("setpriv") is None:
        raise CannotStart(
            f"Postgres does not run as root, and the user {account.pw_name} cannot reach {program} or {cluster}: "
            "start Guerdon as an ordinary user, or move it to where that user can read."
        )
    return Launcher(account, capability)


def name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _end_with_parent() -> None:
    """Ask Linux to shut this process down (fast, but clean) when the process that started it is killed."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _account(cluster: Path) -> pwd.struct_passwd:
    """Who runs Postgres for root: the owner of the data, else `postgres` if known on this machine, else `nobody`."""
    names = [name_of(cluster.stat().st_uid)] if cluster.exists() else ["postgres", "nobody"]
    for name in names:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise CannotStart(f"Postgres does not run as root, and this machine has no user {' or '.join(names)} to run it.")


def _lets_pass(path: Path, account: pwd.struct_passwd) -> bool:
    """Whether the account may enter this directory or run this file; one that does not exist yet will let it."""
    if not path.exists():
        return True
    status = path.stat()
    if status.st_uid == account.pw_uid:
        return bool(status.st_mode & stat.S_IXUSR)
    return bool(status.st_mode & (stat.S_IXGRP if status.st_gid == account.pw_gid else stat.S_IXOTH))


def _has_capability(name: str) -> bool:
    """Whether this process holds the capability and so can hand it on."""
    status = Path("/proc/self/status")
    match = re.search(r"^CapEff:\s*([0-9a-f]+)$", status.read_text(), re.MULTILINE) if status.exists() else None
    return match is not None and bool(int(match[1], 16) >> CAPABILITY_BITS[name] & 1)
