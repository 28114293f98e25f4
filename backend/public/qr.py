"""A QR code as the path of an SVG, so that it needs neither a picture file nor an inline style."""

from dataclasses import dataclass
from itertools import groupby

import segno


@dataclass(frozen=True)
class QrPath:
    """``path`` draws the dark modules, each a unit square, on a field of ``size`` units with the quiet zone in it."""

    path: str
    size: int


def qr_path(text: str, border: int = 4) -> QrPath:
    """Error correction M: 15% of the code may be stained (ISO/IEC 18004)."""
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
