"""A photo as it is kept: decoded within limits, turned upright, without anything the camera wrote beside the picture.

Pure. Formats: JPEG, PNG, WebP, told by content and never by name. The copy is JPEG, 2000 pixels at most on its longer
side; place and time of the shot, the camera's serial number, comments and colour profiles are left behind.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from threading import BoundedSemaphore

from PIL import Image, ImageOps

from backend.errors import Invalid, _

MOST_BYTES = 10 * 1024 * 1024
MOST_PIXELS = 40_000_000
SIDE, QUALITY = 2000, 82
THUMB_SIDE, THUMB_QUALITY = 240, 60
FORMATS = ("JPEG", "PNG", "WEBP")
FIELD = "photos"

# A photo of 40 million pixels takes 160 MB while it is open: not more than two of them in one process.
_OPEN = BoundedSemaphore(2)


@dataclass(frozen=True)
class EncodedPhoto:
    """The re-encoded picture and its measures in pixels."""

    content: bytes
    width: int
    height: int


def reencode(content: bytes) -> EncodedPhoto:
    """The copy that is kept. Raises Invalid for too many bytes or pixels, another format, a damaged file."""
    if len(content) > MOST_BYTES:
        raise Invalid(_("Ảnh lớn quá %(most)s MB. Xin chọn ảnh nhỏ hơn."), field=FIELD, most=MOST_BYTES // 1024**2)
    return _shrunk(content, SIDE, QUALITY)


def thumbnail(content: bytes) -> bytes:
    """A small picture of a kept copy, to look at before sending."""
    return _shrunk(content, THUMB_SIDE, THUMB_QUALITY).content


def _shrunk(content: bytes, side: int, quality: int) -> EncodedPhoto:
    with _opened(content) as image:
        if image.width * image.height > MOST_PIXELS:
            raise _too_many_pixels()
        image.draft("RGB", (side, side))  # a JPEG is decoded at the size needed; other formats ignore it
        upright = ImageOps.exif_transpose(image)
        upright.thumbnail((side, side), Image.Resampling.LANCZOS)
        picture = _on_white(upright)
    packed = BytesIO()
    picture.save(packed, "JPEG", quality=quality, optimize=True)
    return EncodedPhoto(packed.getvalue(), picture.width, picture.height)


def _too_many_pixels() -> Invalid:
    sentence = _("Ảnh có hơn %(most)s triệu điểm ảnh. Xin chọn ảnh nhỏ hơn.")
    return Invalid(sentence, field=FIELD, most=MOST_PIXELS // 10**6)


@contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    """Whatever a decoder stumbles over is a refusal: its exceptions are of many kinds, and none is our fault."""
    with _OPEN:
        try:
            with Image.open(BytesIO(content), formats=FORMATS) as image:
                yield image
        except Invalid:
            raise
        except Image.DecompressionBombError as bomb:
            raise _too_many_pixels() from bomb
        except Exception as failure:
            raise Invalid(
                _("Không đọc được tệp này. Xin chọn ảnh JPEG, PNG hoặc WebP còn nguyên vẹn."), field=FIELD
            ) from failure


def _on_white(image: Image.Image) -> Image.Image:
    """Without transparency, in a new picture to which no metadata cling."""
    white = Image.new("RGB", image.size, "white")
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        white.paste(clear, mask=clear.getchannel("A"))
    else:
        white.paste(image.convert("RGB"))
    return white
