"""The data directory: one server at a time, and the credentials file in it."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.processes.errors import CannotStart


def prepare(data_dir: Path) -> Path:
    """Make the directory if needed and return its absolute path.

    Others may pass through it but not list it: a server started by root runs its Postgres as another user.

    Raises CannotStart if it cannot be made or written.
    """
    path = data_dir.expanduser().resolve()
    try:
        path.mkdir(mode=0o711, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"The data directory {path} cannot be made: {error.strerror}.") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise CannotStart(f"The data directory {path} is not writable for this user.")
    return path


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Hold the directory for this process. The operating system lets go of it however the process ends.

    Raises CannotStart if another server holds it, or it is another user's.
    """
    try:
        lock = (data_dir / "lock").open("a+", encoding="ascii")
    except PermissionError as error:
        raise CannotStart(f"The data directory {data_dir} is another user's.") from error
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise CannotStart(f"Another Guerdon server (process {holder}) uses {data_dir}.") from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_locked(data_dir: Path) -> bool:
    """Whether a server holds the directory right now."""
    try:
        with locked(data_dir):
            return False
    except CannotStart:
        return True


def credentials_path(data_dir: Path) -> Path:
    return data_dir / "credentials.env"


def write_credentials(data_dir: Path, values: Mapping[str, str]) -> None:
    """Replace the credentials file as a whole; only its owner can read it (mode 600)."""
    target = credentials_path(data_dir)
    draft = target.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)


def read_credentials(data_dir: Path) -> dict[str, str]:
    """The pairs of the credentials file; none if there is no file.

    Raises CannotStart if the file belongs to somebody else.
    """
    try:
        lines = credentials_path(data_dir).read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise CannotStart(f"{credentials_path(data_dir)} is not readable for this user.") from error
    return dict(line.split("=", 1) for line in lines if "=" in line)
