"""The one way in which a photo is sent: after the reader's right was shown, kept by no cache, run as nothing."""

from fastapi import Response

from backend.attachments import service
from backend.attachments.models import Attachment


def photo_response(photo: Attachment, place: int) -> Response:
    """The photo as an answer. Its name says its place in the ticket and nothing else."""
    return Response(
        service.read_photo(photo),
        media_type="image/jpeg",
        headers={
            "Content-Disposition": f"inline; filename=anh-{place}.jpg",
            "Cache-Control": "private, no-store",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        },
    )
