"""Fetch the front-end files of others at the versions below and write CHECKSUMS. Run: python refresh.py

Uses `npm pack`, hence the registry that npm is configured for; nothing here runs when the site runs.
"""

import hashlib
import subprocess
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

# package@version -> {file in the package: name here}
PACKAGES = {
    "@picocss/pico@2.1.1": {"css/pico.min.css": "pico.min.css", "LICENSE.md": "pico.LICENSE.md"},
    "htmx.org@2.0.11": {"dist/htmx.min.js": "htmx.min.js", "LICENSE": "htmx.LICENSE"},
}


def fetch(package: str, files: dict[str, str]) -> None:
    """Unpack the wanted files of one package into this folder."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", "--pack-destination", folder, package]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603  # our constants only
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as tar:
            for inside, name in files.items():
                member = tar.extractfile(f"package/{inside}")
                if member is None:
                    raise SystemExit(f"{package} has no {inside}")
                (HERE / name).write_bytes(member.read())


def main() -> None:
    for package, files in PACKAGES.items():
        fetch(package, files)
    names = sorted(name for files in PACKAGES.values() for name in files.values())
    lines = [f"{hashlib.sha256((HERE / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (HERE / "CHECKSUMS").write_text("".join(lines))


if __name__ == "__main__":
    main()
