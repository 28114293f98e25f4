"""Makes the copy of a photo that is stored: decoded within limits, turned upright, without the metadata of the camera.

Pure and slow: it runs in a separate process (``backend.attachments.decoder``), never in one that answers requests.
Formats: JPEG, PNG, WebP, recognised by content and never by name. The copy is JPEG with at most 2000 pixels on its
longer side, without place and time of the shot, serial number of the camera, comments and colour profiles.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from PIL import Image, ImageOps

from backend.attachments.decoder_answer import EncodedPhoto
from backend.attachments.picture_header import MOST_PIXELS, check_picture, too_many_pixels, unreadable
from backend.errors import Invalid

SIDE, QUALITY = 2000, 82
REDUCED_SIDE, REDUCED_QUALITY = 400, 70  # twice the pixels of its place on a page, for sharp screens
THUMB_SIDE, THUMB_QUALITY = 240, 60
FORMATS = tuple(MOST_PIXELS)
REDUCING_GAP = 2.0  # averaging whole pixels down to twice the size wanted is fast, and the eye sees no difference


def reencode(content: bytes) -> EncodedPhoto:
    """Return the copy that is stored. Raises Invalid for too many bytes or pixels, another format, a damaged file."""
    header = check_picture(BytesIO(content))
    with _opened(content) as image:
        if image.width * image.height > MOST_PIXELS[header.format]:
            raise too_many_pixels(header.format)
        image.draft("RGB", _fitting(image.size))  # a JPEG is decoded near the size wanted; other formats ignore it
        small = _direct_colours(image)
        small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
        picture = _on_white(ImageOps.exif_transpose(small))
    copy, (width, height) = _packed(picture, QUALITY), picture.size
    picture.thumbnail((REDUCED_SIDE, REDUCED_SIDE), Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
    reduced = _packed(picture, REDUCED_QUALITY)
    picture.thumbnail((THUMB_SIDE, THUMB_SIDE), Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
    return EncodedPhoto(copy, width, height, _packed(picture, THUMB_QUALITY), reduced)


def _packed(picture: Image.Image, quality: int) -> bytes:
    packed = BytesIO()
    picture.save(packed, "JPEG", quality=quality, optimize=True)
    return packed.getvalue()


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    """Return the size of a picture whose longer side is ``SIDE``."""
    longer = max(size)
    return max(size[0] * SIDE // longer, 1), max(size[1] * SIDE // longer, 1)


@contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    """Open a picture. Every error of the decoder becomes a refusal: it has many kinds of exceptions, and the picture
    causes all of them."""
    Image.MAX_IMAGE_PIXELS = None  # the size was judged before, by our own limits
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            yield image
    except (Invalid, MemoryError):
        raise
    except Exception as failure:
        raise unreadable() from failure


def _direct_colours(image: Image.Image) -> Image.Image:
    """Return a picture whose pixels have colours of 8 bits. Palettes, single bits and 16 bits cannot be averaged."""
    if image.mode == "I;16":
        return image.point(lambda level: level / 256).convert("L")
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    return image


def _on_white(image: Image.Image) -> Image.Image:
    """Return a new picture on white, without transparency and without metadata."""
    white = Image.new("RGB", image.size, "white")
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        white.paste(clear, mask=clear.getchannel("A"))
    else:
        white.paste(image.convert("RGB"))
    return white
