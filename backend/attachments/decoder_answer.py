"""The answer of a decoder as bytes: a photo or a refusal. Pure; uses no picture library."""

import json
from dataclasses import dataclass
from typing import Final

from backend.attachments.picture_header import FIELD
from backend.errors import Invalid

TOO_HEAVY: Final = 3  # exit code of a decoder whose memory was not enough


@dataclass(frozen=True)
class EncodedPhoto:
    """The re-encoded picture and its size in pixels, with two smaller copies: ``thumbnail`` for the preview before
    sending, ``reduced`` for the pages of a ticket."""

    content: bytes
    width: int
    height: int
    thumbnail: bytes
    reduced: bytes


def pack_photo(photo: EncodedPhoto) -> bytes:
    """Return one line of JSON with the measures, then the three JPEGs."""
    sizes = {"content": len(photo.content), "thumbnail": len(photo.thumbnail)}
    measures = {"width": photo.width, "height": photo.height, **sizes}
    return json.dumps(measures).encode() + b"\n" + photo.content + photo.thumbnail + photo.reduced


def pack_refusal(refusal: Invalid) -> bytes:
    return json.dumps({"refusal": refusal.message, "params": refusal.params}).encode() + b"\n"


def unpack_photo(answer: bytes) -> EncodedPhoto:
    """Return the photo that was packed. Raises Invalid where it was a refusal."""
    line, _newline, pictures = answer.partition(b"\n")
    first_line = json.loads(line)
    if "refusal" in first_line:
        raise Invalid(first_line["refusal"], field=FIELD, **first_line["params"])
    content, rest = pictures[: first_line["content"]], pictures[first_line["content"] :]
    thumbnail, reduced = rest[: first_line["thumbnail"]], rest[first_line["thumbnail"] :]
    return EncodedPhoto(content, first_line["width"], first_line["height"], thumbnail, reduced)
