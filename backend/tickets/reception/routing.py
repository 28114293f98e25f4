"""Which unit gets new feedback. Pure."""

from dataclasses import dataclass

from backend.errors import Invalid, _
from backend.tickets.models import CategoryClass


@dataclass(frozen=True)
class RoutingUnit:
    """The unit that feedback is about, reduced to what routing asks."""

    unit_id: int
    receives: bool
    conduct_desk_id: int | None


def handling_unit(about: RoutingUnit, category_class: CategoryClass) -> int:
    """The unit itself; for a complaint about its conduct the desk above it, which is never the unit itself."""
    if not about.receives:
        raise Invalid(_("Cơ quan này không tiếp nhận phản ánh. Xin chọn cơ quan khác."), field="unit")
    if category_class is not CategoryClass.CONDUCT:
        return about.unit_id
    if about.conduct_desk_id is None or about.conduct_desk_id == about.unit_id:
        raise Invalid(_("Chưa có cơ quan cấp trên nhận phản ánh về hành vi của cơ quan này."), field="unit")
    return about.conduct_desk_id
