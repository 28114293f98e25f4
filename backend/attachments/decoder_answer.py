"""The answer of a decoder as bytes: a photo or a refusal. Pure; uses no picture library."""

import json
from dataclasses import dataclass
from typing import Final

from backend.attachments.picture_header import FIELD
from backend.errors import Invalid

TOO_HEAVY: Final = 3  # exit code of a decoder whose memory was not enough


@dataclass(frozen=True)
class EncodedPhoto:
    """The re-encoded picture, its size in pixels, and a small copy for the preview before sending."""

    content: bytes
    width: int
    height: int
    thumbnail: bytes


def pack_photo(photo: EncodedPhoto) -> bytes:
    """Return one line of JSON with the measures, then both JPEGs."""
    measures = {"width": photo.width, "height": photo.height, "content": len(photo.content)}
    return json.dumps(measures).encode() + b"\n" + photo.content + photo.thumbnail


def pack_refusal(refusal: Invalid) -> bytes:
    return json.dumps({"refusal": refusal.message, "params": refusal.params}).encode() + b"\n"


def unpack_photo(answer: bytes) -> EncodedPhoto:
    """Return the photo that was packed. Raises Invalid where it was a refusal."""
    line, _newline, pictures = answer.partition(b"\n")
    first_line = json.loads(line)
    if "refusal" in first_line:
        raise Invalid(first_line["refusal"], field=FIELD, **first_line["params"])
    size = first_line["content"]
    return EncodedPhoto(pictures[:size], first_line["width"], first_line["height"], pictures[size:])
