"""Draw charts as SVG or PNG. Matplotlib is imported with the first chart because loading it takes a second."""

import io
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final, cast

from backend.reports.blocks import ReportBar, ReportPicture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# This font comes with matplotlib and has all Vietnamese letters, so a chart looks the same on every machine.
FONT: Final = "DejaVu Serif"
INK, PALE, BLUE, SKY, ORANGE = "#1a1a1a", "#d9d9d9", "#1f4e79", "#9dbfe0", "#b45f06"
WIDTH, WRAP = 6.5, 50  # inches; letters in a line of a label
DPI = 200


def draw_png(picture: ReportPicture, *, titled: bool = False) -> bytes:
    """Return the picture as PNG at 200 dots per inch."""
    return _write_picture(picture, "png", titled)


def draw_svg(picture: ReportPicture, *, titled: bool = True) -> bytes:
    """Return the picture as SVG with real text. The same picture gives the same bytes."""
    return _write_picture(picture, "svg", titled)


def _write_picture(picture: ReportPicture, kind: str, titled: bool) -> bytes:
    import matplotlib

    settings: dict[str, Any] = {
        "font.family": "serif",
        "font.serif": [FONT],
        "font.size": 9,
        "svg.fonttype": "none",
        "svg.hashsalt": "langnghe",
        "axes.unicode_minus": True,
    }
    with matplotlib.rc_context(cast(Any, settings)):  # the stub accepts literal names only
        figure = _figure(picture, titled)
        out = io.BytesIO()
        metadata: dict[str, Any] = {"Title": picture.title, "Description": picture.alt}
        if kind == "svg":
            metadata |= {"Date": None, "Language": "vi"}
        figure.savefig(out, format=kind, dpi=DPI, metadata=metadata)
    return out.getvalue()


def _figure(picture: ReportPicture, titled: bool) -> "Figure":
    from matplotlib.figure import Figure

    labels = ["\n".join(wrap(bar.label, WRAP)) for bar in picture.bars]
    rows = sum(max(1.25, label.count("\n") + 1.35) for label in labels)
    height = 0.9 + 0.14 * rows + (0.35 if titled else 0)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    places = _places(labels)
    (_dots if picture.dots else _bars)(figure, axes, picture, places)
    axes.set_yticks(places, labels, fontsize=8)
    for tick, bar in zip(axes.get_yticklabels(), picture.bars, strict=True):
        tick.set_fontweight("bold" if bar.strong else "normal")
    axes.set_ylim(places[-1] + 0.9, places[0] - 1.1)
    axes.set_xlabel(picture.axis)
    axes.xaxis.set_major_formatter(lambda value, _place: f"{value:g}".replace(".", ","))
    axes.grid(axis="x", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    if titled:
        figure.suptitle("\n".join(wrap(picture.title, 80)), fontsize=11, fontweight="bold")
    return figure


def _places(labels: list[str]) -> list[float]:
    """Return the position of each row: rows with several lines are taller."""
    places, at = [], 0.0
    for label in labels:
        half = max(1.25, label.count("\n") + 1.35) / 2
        places.append(at + half)
        at += 2 * half
    return places


def _dots(figure: "Figure", axes: "Axes", picture: ReportPicture, places: list[float]) -> None:
    for bar, place in zip(picture.bars, places, strict=True):
        if bar.lo is not None and bar.hi is not None:
            axes.plot([bar.lo, bar.hi], [place, place], color=BLUE, linewidth=1.4, solid_capstyle="butt")
    axes.plot([bar.value for bar in picture.bars], places, "o", color=BLUE, markersize=6, label=f"Năm {picture.year}")
    _numbers(axes, picture.bars, places, above=True)
    earlier = [(bar.before, place) for bar, place in zip(picture.bars, places, strict=True) if bar.before is not None]
    if earlier:
        axes.plot([value for value, _place in earlier], [place for _value, place in earlier], "D", color=ORANGE,
                  markerfacecolor="white", markersize=5.5, label=f"Năm {picture.against} (so sánh được)")  # fmt: skip
        figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    axes.margins(x=0.08)


def _bars(_figure: "Figure", axes: "Axes", picture: ReportPicture, places: list[float]) -> None:
    axes.barh(places, [bar.value for bar in picture.bars], height=0.8, color=SKY)
    for bar, place in zip(picture.bars, places, strict=True):
        if bar.lo is not None and bar.hi is not None:
            axes.plot([bar.lo, bar.hi], [place, place], color=INK, linewidth=1.2, solid_capstyle="butt")
    _numbers(axes, picture.bars, places, above=False)
    axes.set_xlim(0, max(bar.hi or bar.value for bar in picture.bars) * 1.16)


def _numbers(axes: "Axes", bars: tuple[ReportBar, ...], places: list[float], *, above: bool) -> None:
    for bar, place in zip(bars, places, strict=True):
        text = f"{bar.value:.2f}".replace(".", ",")
        if above:
            axes.annotate(text, (bar.value, place), (0, 4.5), textcoords="offset points", ha="center", fontsize=6.5)
        else:
            at = bar.hi if bar.hi is not None else bar.value
            axes.annotate(text, (at, place), (4, 0), textcoords="offset points", va="center", fontsize=7.5)
