"""Texts that a messenger itself displays: the commands of its menu, and the refusal of a large photo."""

from backend.errors import _

# The commands under the menu button of the chat, in this order.
COMMANDS = {
    "gui": _("Gửi phản ánh, kiến nghị"),
    "theodoi": _("Theo dõi bằng mã số và mã bí mật"),
    "cuatoi": _("Phản ánh của tôi"),
    "ngonngu": _("Đổi ngôn ngữ"),
    "huy": _("Bỏ việc đang làm"),
    "trogiup": _("Trợ giúp"),
}

PHOTO_LARGE = _("Ảnh lớn quá 20 MB. Xin gửi ảnh nhỏ hơn.")
