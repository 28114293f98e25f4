"""Pictures to send, and the files that are kept of them."""

from io import BytesIO
from pathlib import Path

from PIL import Image


def picture(kind: str = "JPEG", size: tuple[int, int] = (60, 40), mode: str = "RGB", **more: object) -> bytes:
    packed = BytesIO()
    Image.new(mode, size, None if mode == "P" else 1 if mode == "1" else "red").save(packed, kind, **more)
    return packed.getvalue()


def with_place(orientation: int = 6) -> bytes:
    """A photo turned by its camera, which also wrote where it was and its serial number."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0xA431] = "SERIAL-4711"
    exif.get_ifd(0x8825).update({1: "N", 2: (22.0, 23.0, 11.0), 3: "E", 4: (103.0, 27.0, 9.0)})
    return picture(exif=exif.tobytes(), comment=b"CANARY-COMMENT")


def files(folder: Path) -> list[Path]:
    return [path for path in (folder / "attachments").rglob("*") if path.is_file()]
