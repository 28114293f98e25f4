"""A QR code as an SVG path: the page needs neither a picture file nor an inline style."""

from dataclasses import dataclass
from itertools import groupby

import segno


@dataclass(frozen=True)
class QrPath:
    """``path`` draws the dark modules as unit squares; ``size`` is the side of the picture with its quiet zone."""

    path: str
    size: int


def qr_path(text: str, border: int = 4) -> QrPath:
    """Return the QR code of a text. Error correction level M: readable with up to 15% damaged (ISO/IEC 18004)."""
    code = segno.make_qr(text, error="m")
    parts: list[str] = []
    for y, row in enumerate(code.matrix, start=border):
        x = border
        for dark, run in groupby(row):
            length = len(list(run))
            if dark:
                parts.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return QrPath("".join(parts), len(code.matrix) + 2 * border)
