"""The only way in which a photo is sent: after the reader's permission was checked, with headers so that no cache
stores it and no browser runs it."""

from fastapi import Response

from backend.attachments import service
from backend.attachments.models import Attachment


def photo_response(photo: Attachment, place: int, *, reduced: bool = False) -> Response:
    """Return the response with a photo or its reduced copy. Its file name holds only its position in the ticket."""
    return Response(
        service.read_reduced(photo) if reduced else service.read_photo(photo),
        media_type="image/jpeg",
        headers={
            "Content-Disposition": f"inline; filename=anh-{place}.jpg",
            "Cache-Control": "private, no-store",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        },
    )
