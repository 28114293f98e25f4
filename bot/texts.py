"""The texts of the bot: Vietnamese messages of the catalogue."""

from backend.errors import _
from backend.tickets.lifecycle import Event

LANGUAGE = "Bạn muốn dùng tiếng nào?\nWhich language would you like?"
GREETING = _(
    "Xin chào! Đây là Lắng Nghe, nơi tiếp nhận phản ánh, kiến nghị về cơ quan và đời sống ở địa phương. "
    "Bạn có thể dừng bất cứ lúc nào bằng /huy; chưa bấm Gửi thì chưa có gì được gửi đi."
)
STAFF_CHAT_BOUND = _("Đã nối cuộc trò chuyện này với tài khoản cán bộ. Từ nay thông báo công việc được gửi vào đây.")
HELP = _(
    "Tôi giúp được gì:\n"
    "/gui – gửi phản ánh, kiến nghị\n"
    "/theodoi – theo dõi bằng mã số và mã bí mật\n"
    "/cuatoi – những phản ánh bạn đã gửi từ đây\n"
    "/ngonngu – đổi ngôn ngữ\n"
    "/huy – bỏ việc đang làm\n\n"
    "Việc khẩn cấp đến tính mạng xin gọi 113, 114 hoặc 115."
)
MENU = _("Bạn muốn làm gì?")
MENU_NEW = _("📝 Gửi phản ánh")
MENU_FOLLOW = _("🔎 Theo dõi")
MENU_MINE = _("📂 Của tôi")
CANCELLED = _("Đã bỏ. Chưa có gì được gửi đi. Khi cần, bấm /gui để bắt đầu lại.")
ASIDE_CANCELLED = _("Đã bỏ việc đó. Ta tiếp tục phản ánh đang viết.")
NOTHING_TO_CANCEL = _("Không có việc nào đang làm dở.")
LANGUAGE_KEPT = _("Từ giờ chúng ta dùng tiếng Việt.")
OLD_BUTTON = _("Nút đó đã cũ. Xin dùng các nút mới nhất.")
NOT_A_PHOTO = _("Tôi chỉ nhận chữ và ảnh. Với ảnh, xin gửi theo cách gửi ảnh thường, đừng gửi dạng tệp.")
EDITED_DRAFT = _("Sửa tin nhắn cũ không làm đổi bản nháp. Ở bước xem lại, bạn bấm Sửa để viết lại.")
EDITED_SENT = _("Phản ánh đã gửi được giữ nguyên như lúc tiếp nhận. Nếu cần nói thêm, bạn gửi phản ánh mới bằng /gui.")
FAILED = _("Tôi gặp trục trặc khi xử lý tin vừa rồi. Xin thử lại sau ít phút.")

UNIT = _(
    "Phản ánh về cơ quan nào? Gõ tên xã, phường hoặc sở, có dấu hay không dấu đều được; hoặc chọn trong danh sách."
)
UNIT_LIST = _("📋 Xem danh sách")
UNIT_PAGE = _("Danh sách cơ quan, trang %(page)s/%(pages)s:")
UNIT_NONE = _("Không tìm thấy cơ quan nào tên như vậy. Xin gõ lại, hoặc chọn trong danh sách.")
UNIT_MATCHES = _("Bạn chọn cơ quan nào? Nếu không có ở đây, xin gõ rõ hơn.")
UNIT_CHOSEN = _("Cơ quan: %(unit)s")
CATEGORY = _("Phản ánh thuộc loại nào?")
CATEGORY_CHOSEN = _("Loại: %(category)s")
PRESS_A_BUTTON = _("Xin bấm một trong các nút.")
CONTENT = _(
    "Xin kể sự việc: chuyện gì, ở đâu, từ khi nào. Bạn có thể gửi ảnh kèm chú thích, hoặc gửi ảnh ở bước sau. "
    "Đừng ghi số giấy tờ tùy thân."
)
CONTENT_MORE = _("Đã thêm vào nội dung.")
PHOTOS = _("Nếu có ảnh, xin gửi bây giờ (nhiều nhất %(most)s ảnh). Xong thì bấm nút.")
PHOTOS_DONE = _("Xong")
PHOTOS_NONE = _("Không có ảnh")
PHOTO_TAKEN = _("Đã nhận ảnh.")
PHOTO_FULL = _("Mỗi phản ánh kèm được nhiều nhất %(most)s ảnh; ảnh thừa không được giữ.")
PHOTO_FIRST_TEXT = _("Đã nhận ảnh. Giờ xin viết vài dòng về sự việc.")
PHOTO_LATE = _("Ảnh đến sau đã được thêm vào phản ánh.")
PHOTO_LOST = _("Một ảnh không giữ được: %(why)s")
CONSENT_OPTIONAL = _(
    "Bạn có muốn được báo kết quả ngay tại đây không? Khi đó hệ thống lưu mã cuộc trò chuyện này cùng phản ánh; "
    "chỉ cơ quan xử lý xem được. Bạn cũng có thể để lại họ tên, điện thoại, hoặc gửi ẩn danh."
)
CONSENT_REQUIRED = _(
    "Loại phản ánh này cần họ tên và cách liên hệ của người gửi (Nghị định 92/2017/NĐ-CP). "
    "Thông tin chỉ dùng để xử lý phản ánh và báo kết quả cho bạn, chỉ cơ quan xử lý xem được. "
    "Bạn có đồng ý cho lưu họ tên, điện thoại và mã cuộc trò chuyện này không?"
)
CONSENT_CHAT = _("Đồng ý, báo cho tôi tại đây")
CONSENT_DETAILS = _("Đồng ý, để lại cả họ tên, điện thoại")
CONSENT_YES = _("Đồng ý")
CONSENT_NO = _("Không đồng ý")
CONSENT_ANONYMOUS = _("Không, gửi ẩn danh")
CONSENT_NEEDED = _(
    "Không có họ tên và liên hệ thì loại phản ánh này không tiếp nhận được. "
    "Bạn có thể chọn loại khác, hoặc /huy để dừng."
)
NAME = _("Họ và tên của bạn?")
PHONE = _("Số điện thoại hoặc địa chỉ thư điện tử của bạn? Bạn có thể gõ, hoặc bấm nút để chia sẻ số điện thoại.")
PHONE_BUTTON = _("📱 Chia sẻ số điện thoại")
PHONE_NOT_OWN = _("Đó là số của người khác. Xin chia sẻ số của bạn, hoặc gõ số.")
PHONE_TAKEN = _("Đã ghi cách liên hệ.")
REVIEW = _("Xin xem lại trước khi gửi:")
REVIEW_UNIT = _("Cơ quan: %(unit)s")
REVIEW_TITLE = _("Tiêu đề: %(title)s")
REVIEW_PHOTOS = _("Ảnh: %(n)s")
REVIEW_ANONYMOUS = _("Gửi ẩn danh: bạn theo dõi bằng mã số và mã bí mật, ở đây sẽ không có tin báo.")
REVIEW_CHAT = _("Kết quả được báo tại đây.")
REVIEW_CONTACT = _("Liên hệ: %(name)s, %(reach)s")
SEND = _("✅ Gửi")
EDITS = {
    "unit": _("Sửa cơ quan"),
    "category": _("Sửa loại"),
    "title": _("Sửa tiêu đề"),
    "content": _("Viết lại nội dung"),
    "photos": _("Đổi ảnh"),
    "consent": _("Sửa liên hệ"),
}
TITLE = _("Xin gõ tiêu đề ngắn gọn.")
CANCEL = _("✖️ Hủy")
RECEIPT = _(
    "✅ Đã nhận được phản ánh của bạn.\n\n"
    "Mã số: %(number)s\n"
    "Mã bí mật: %(secret)s\n"
    "Cơ quan xử lý: %(unit)s\n"
    "Hạn trả lời: %(due)s\n\n"
    "Xin giữ tin nhắn này: mã bí mật chỉ hiện một lần. Theo dõi bằng /theodoi hoặc tại %(address)s"
)
DUE_ESTIMATED = _("%(due)s (dự kiến)")
TOLD_HERE = _("Mỗi bước xử lý sẽ được báo cho bạn tại đây.")

FOLLOW = _("Xin gửi mã số và mã bí mật ghi trên giấy tiếp nhận, ví dụ: PAKN.20261122.0012 ABCD-EFGH-JKMN-PQRS")
FOLLOW_SECRET = _("Giờ xin gửi mã bí mật của phản ánh %(number)s.")
FOLLOW_DELETED = _("Vì an toàn, tôi xóa tin nhắn có mã bí mật khỏi cuộc trò chuyện.")
MINE = _("Phản ánh bạn đã gửi từ đây. Bấm vào mã số để xem:")
MINE_NONE = _("Bạn chưa gửi phản ánh nào có báo tin về đây. Với phản ánh khác, xin dùng /theodoi.")
VIEW = _("Phản ánh %(number)s: %(title)s\nTình trạng: %(state)s\nCơ quan xử lý: %(unit)s\nHạn trả lời: %(due)s")
VIEW_ON_WEB = _("Để trả lời hoặc đánh giá, xin mở trang theo dõi: %(address)s")
MORE_ON_WEB = _("Bạn còn có thể: %(what)s. Xin mở trang theo dõi: %(address)s")
ON_THE_PAGE = {
    Event.PAUSE_DISPUTED: _("nêu ý không đồng ý việc tạm dừng"),
    Event.WITHDRAWN: _("rút phản ánh"),
}

REPLY = _("Xin viết câu trả lời cho cơ quan xử lý phản ánh %(number)s.")
REPLY_SENT = _("Đã gửi câu trả lời. Cơ quan xử lý tiếp tục làm việc; hạn trả lời: %(due)s.")
REPLY_NOT_NEEDED = _("Phản ánh này hiện không chờ bạn trả lời.")

SOLVED_TAKEN = _("Cảm ơn bạn đã xác nhận.")
OBJECTION = _(
    "Xin viết điều chưa được giải quyết, hoặc vì sao bạn không đồng ý, để cơ quan giải quyết lại phản ánh %(number)s."
)
OBJECTION_SENT = _("Đã ghi yêu cầu. Phản ánh được giải quyết lại với hạn mới: %(due)s.")
JUDGED_BEFORE = _("Bạn đã cho biết ý kiến về lần trả lời này, hoặc đã hết thời gian yêu cầu giải quyết lại.")
LOOK_OFFER = _(
    "Không đồng ý với kết quả? Một người của cấp trên, không tham gia giải quyết trước đây, có thể xem lại một lần và "
    "trả lời bạn chậm nhất ngày %(due)s."
)
LOOK_BUTTON = _("Yêu cầu cấp trên xem lại")
LOOK_REASON = _("Xin viết vì sao bạn không đồng ý với kết quả của phản ánh %(number)s. Đổi ý thì bấm /huy.")
LOOK_ASKED = _("Đã ghi yêu cầu. Cấp trên xem lại và trả lời bạn chậm nhất ngày %(due)s.")
LOOK_NOT_POSSIBLE = _("Phản ánh này hiện không yêu cầu cấp trên xem lại được.")

RATE_BUTTON_INTRO = _("Bạn đánh giá việc xử lý nhé.")
SCORED = _("Câu %(n)s: mức %(score)s.")
SCORED_BEFORE = _("Câu %(n)s bạn đã chọn mức %(score)s.")
REMARK = _("Bạn có muốn nhận xét thêm không? Xin viết ở đây, hoặc bấm nút.")
REMARK_NONE = _("Không, gửi đánh giá")
RATED = _("Đã ghi nhận đánh giá của bạn. Xin cảm ơn!")
RATED_BEFORE = _("Phản ánh này đã được đánh giá. Cảm ơn bạn.")
ANSWERED_ANEW = _("Nút đó thuộc câu trả lời trước. Xin bấm /cuatoi để đọc và đánh giá câu trả lời mới.")
NOT_ANSWERED = _("Phản ánh này chưa có trả lời nên chưa đánh giá được.")
