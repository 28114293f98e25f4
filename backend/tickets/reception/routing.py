"""Which unit gets new feedback. Pure."""

from dataclasses import dataclass

from backend.errors import Invalid, _
from backend.tickets.models import CategoryClass


@dataclass(frozen=True)
class RoutingUnit:
    """What routing needs to know of the unit that feedback is about."""

    unit_id: int
    receives: bool
    conduct_desk_id: int | None


def handling_unit(about: RoutingUnit, category_class: CategoryClass) -> int:
    """Return the unit that gets the feedback: the unit itself, or its conduct desk for a complaint about its conduct.

    The conduct desk is never the unit itself. Raises Invalid, at the field ``unit``, where no unit can receive it.
    """
    if not about.receives:
        raise Invalid(_("Cơ quan này không tiếp nhận phản ánh. Xin chọn cơ quan khác."), field="unit")
    if category_class is not CategoryClass.CONDUCT:
        return about.unit_id
    if about.conduct_desk_id is None or about.conduct_desk_id == about.unit_id:
        raise Invalid(_("Chưa có cơ quan cấp trên nhận phản ánh về hành vi của cơ quan này."), field="unit")
    return about.conduct_desk_id
