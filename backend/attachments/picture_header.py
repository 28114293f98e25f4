"""The format of a picture and its size in pixels, read from its header without decoding it.

Pure. A picture of a few kilobytes can declare any number of pixels, and decoding costs by the pixel. So the declared
size is checked first, from the bytes of the header alone. No picture library is used: some of them allocate the whole
picture when they open it. Sources: JPEG ITU-T T.81 (B.1), PNG (W3C, 5.3 and 11.2.1), WebP RFC 9649 (2.3 to 2.7).
"""

from dataclasses import dataclass
from typing import BinaryIO, Final

from backend.errors import Invalid, _

FIELD: Final = "photos"
MOST_BYTES: Final = 20 * 1024 * 1024
# A JPEG is decoded at about the size that is shown, so a phone's largest photo costs little. The other formats are
# decoded in full: 4 bytes for each pixel, and four times that while a WebP is open.
MOST_PIXELS: Final = {"JPEG": 110_000_000, "PNG": 52_000_000, "WEBP": 40_000_000}
MOST_SEGMENTS: Final = 500  # of a JPEG before its size; a phone writes about ten
PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
JPEG_START: Final = b"\xff\xd8"
BARE_MARKERS: Final = {0x01, *range(0xD0, 0xD8)}  # TEM and RST: markers without a length
JPEG_ENDS: Final = {0xD9, 0xDA}  # the picture itself begins or is over: too late for a size
FRAME_MARKERS: Final = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15; not DHT, JPG, DAC


@dataclass(frozen=True)
class PictureHeader:
    """Format, width and height in pixels, as the file declares them."""

    format: str
    width: int
    height: int


def check_picture(file: BinaryIO) -> PictureHeader:
    """Return the header of a picture that is worth decoding. Leaves the file at its beginning.

    Raises Invalid for too many bytes, a format that is not JPEG, PNG or WebP, or too many pixels.
    """
    if file.seek(0, 2) > MOST_BYTES:
        raise Invalid(_("Ảnh lớn quá %(most)s MB. Xin chọn ảnh nhỏ hơn."), field=FIELD, most=MOST_BYTES // 1024**2)
    file.seek(0)
    header = read_header(file)
    file.seek(0)
    if header is None:
        raise unreadable()
    if header.width * header.height > MOST_PIXELS[header.format]:
        raise too_many_pixels(header.format)
    return header


def unreadable() -> Invalid:
    return Invalid(_("Không đọc được tệp này. Xin chọn ảnh JPEG, PNG hoặc WebP còn nguyên vẹn."), field=FIELD)


def too_many_pixels(picture_format: str) -> Invalid:
    sentence = _("Ảnh có hơn %(most)s triệu điểm ảnh. Xin chọn ảnh nhỏ hơn.")
    return Invalid(sentence, field=FIELD, most=MOST_PIXELS[picture_format] // 10**6)


def read_header(file: BinaryIO) -> PictureHeader | None:
    """Return the header of a JPEG, PNG or WebP; None for anything else."""
    start = file.read(32)
    if start.startswith(JPEG_START):
        file.seek(len(JPEG_START))
        return _jpeg_header(file)
    if start.startswith(PNG_SIGNATURE) and start[12:16] == b"IHDR":
        return _sized("PNG", int.from_bytes(start[16:20]), int.from_bytes(start[20:24]))
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return _webp_header(start)
    return None


def _sized(picture_format: str, width: int, height: int) -> PictureHeader | None:
    return PictureHeader(picture_format, width, height) if width and height else None


def _jpeg_header(file: BinaryIO) -> PictureHeader | None:
    """Go from segment to segment up to the frame header, which holds the size."""
    for _segment in range(MOST_SEGMENTS):
        marker = _next_marker(file)
        if marker is None or marker in JPEG_ENDS:
            return None
        if marker in BARE_MARKERS:
            continue
        length = int.from_bytes(file.read(2))
        if marker in FRAME_MARKERS:
            frame = file.read(5)
            return _sized("JPEG", int.from_bytes(frame[3:5]), int.from_bytes(frame[1:3]))
        file.seek(max(length - 2, 0), 1)
    return None


def _next_marker(file: BinaryIO) -> int | None:
    """Return the code of the marker that begins here, after any number of fill bytes up to a bound."""
    if file.read(1) != b"\xff":
        return None
    for _fill in range(MOST_SEGMENTS):
        code = file.read(1)
        if code != b"\xff":
            return code[0] if code else None
    return None


def _webp_header(start: bytes) -> PictureHeader | None:
    kind, body = start[12:16], start[20:]
    if kind == b"VP8X":
        return _sized("WEBP", 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little"))
    if kind == b"VP8L" and body[:1] == b"\x2f":
        bits = int.from_bytes(body[1:5], "little")
        return _sized("WEBP", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = int.from_bytes(body[6:8], "little"), int.from_bytes(body[8:10], "little")
        return _sized("WEBP", width & 0x3FFF, height & 0x3FFF)
    return None
