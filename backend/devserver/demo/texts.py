"""Made-up, plausible texts of the demonstration. They mean no real person, event or ticket."""

from typing import NamedTuple


class DemoText(NamedTuple):
    """A report and its answer. ``{place}`` and ``{day}`` are filled in."""

    title: str
    content: str
    answer: str


PLACES = (
    "bản Nà Khum", "bản Huổi Lá", "bản Phiêng Ban", "bản Tả Chải", "bản Sin Câu", "tổ dân phố số 3", "tổ dân phố số 7",
    "bản Nậm Cáy", "bản Pa Tết", "bản Lao Chải", "bản Hua Cuổi", "chợ trung tâm", "cổng trường tiểu học", "bản Ma Sao",
    "bản Nà Đon", "khu tái định cư", "bản Sì Choang", "bản Thèn Pả", "cầu treo đầu bản", "trạm y tế cũ",
)  # fmt: skip

FAMILY = ("Lò", "Vàng", "Giàng", "Lý", "Tẩn", "Nguyễn", "Trần", "Phùng", "Chang", "Sùng", "Hoàng", "Đèo", "Thào", "Lù")
MIDDLE = ("Thị", "Văn", "A", "Minh", "Thu", "Quang", "Thanh", "Xuân", "Ngọc", "Đức")
GIVEN = ("Hoa", "Sơn", "Lan", "Dũng", "Páo", "Mai", "Thảo", "Chính", "Hạnh", "Tuấn", "Sáng", "Nga", "Kim", "Phong")

SAMPLES: dict[str, tuple[DemoText, ...]] = {
    "roads": (
        DemoText(
            "Đường vào {place} sạt lở sau mưa",
            "Sau trận mưa đêm {day}, ta luy dương trên đường vào {place} sạt xuống gần hết mặt đường. Xe máy đi lại rất "
            "nguy hiểm, xe tải không qua được. Đề nghị cho máy xúc hót sụt và cắm biển cảnh báo.",
            "Đội quản lý đường đã hót toàn bộ đất sạt, cắm biển cảnh báo hai đầu đoạn đường và đưa vị trí này vào danh "
            "mục gia cố. Cảm ơn bà con đã báo kịp thời.",
        ),
        DemoText(
            "Ổ gà lớn gần {place}",
            "Mặt đường gần {place} bong tróc, có nhiều ổ gà sâu khoảng một gang tay, buổi tối không có đèn nên đã có người "
            "ngã xe. Mong cơ quan chức năng sớm vá lại.",
            "Đoạn đường đã được vá bằng bê tông nhựa nguội. Việc thảm lại toàn tuyến đã được ghi vào kế hoạch duy tu.",
        ),
        DemoText(
            "Đèn đường ở {place} không sáng",
            "Dãy đèn chiếu sáng ở {place} tắt từ ngày {day}, học sinh đi học thêm về rất tối. Đề nghị kiểm tra, thay bóng.",
            "Đơn vị chiếu sáng đã thay bóng và sửa tủ điều khiển; hệ thống đã sáng lại bình thường.",
        ),
    ),
    "environment": (
        DemoText(
            "Rác tồn đọng tại {place}",
            "Điểm tập kết rác ở {place} nhiều ngày không được thu gom, bốc mùi và chảy nước ra đường. Đề nghị tăng chuyến "
            "thu gom và đặt thêm thùng rác.",
            "Đã thu gom toàn bộ rác tồn, tăng lên ba chuyến mỗi tuần và đặt thêm hai thùng rác có nắp.",
        ),
        DemoText(
            "Nước suối ở {place} đục và có mùi",
            "Từ ngày {day}, nước suối chảy qua {place} đục, có váng và mùi lạ. Bà con lấy nước này cho trâu bò uống nên rất "
            "lo. Đề nghị kiểm tra nguồn thải phía trên.",
            "Tổ kiểm tra đã lấy mẫu và lập biên bản yêu cầu cơ sở chế biến phía thượng nguồn xử lý bể lắng. Kết quả mẫu sẽ "
            "được niêm yết tại trụ sở.",
        ),
    ),
    "utilities": (
        DemoText(
            "Mất nước sinh hoạt ở {place}",
            "Các hộ ở {place} mất nước sinh hoạt từ ngày {day}, phải đi gùi nước từ khe xa gần một cây số. Đề nghị kiểm tra "
            "đường ống và thông báo lịch cấp nước.",
            "Đường ống bị đất đá làm vỡ đã được thay, nước có lại từ chiều cùng ngày. Lịch cấp nước được niêm yết tại nhà "
            "văn hóa.",
        ),
        DemoText(
            "Điện yếu vào giờ cao điểm tại {place}",
            "Buổi tối điện ở {place} rất yếu, bóng đèn lập lòe, máy xay xát không chạy được. Đề nghị xem lại trạm biến áp.",
            "Điện lực đã san tải và lên kế hoạch thay máy biến áp công suất lớn hơn.",
        ),
    ),
    "order": (
        DemoText(
            "Hát karaoke ồn ào đến khuya ở {place}",
            "Gần {place} có hộ thường xuyên mở loa kéo đến sau 23 giờ, người già và trẻ nhỏ không ngủ được.",
            "Công an đã nhắc nhở, lập cam kết; hộ gia đình đồng ý không sử dụng loa sau 22 giờ.",
        ),
        DemoText(
            "Xe chở vật liệu chạy nhanh qua {place}",
            "Xe tải chở cát đá chạy qua {place} với tốc độ cao vào giờ tan trường. Đề nghị có biện pháp.",
            "Đã cắm biển hạn chế tốc độ, bố trí lực lượng vào giờ tan học và làm việc với chủ xe.",
        ),
    ),
    "procedure": (
        DemoText(
            "Hồ sơ trực tuyến không cập nhật trạng thái",
            "Tôi nộp hồ sơ trực tuyến ngày {day} nhưng trạng thái vẫn ghi đang tiếp nhận. Xin cho biết hồ sơ đang ở bước nào "
            "và khi nào có kết quả.",
            "Hồ sơ đã được xử lý đúng hạn; trạng thái chưa cập nhật do lỗi đồng bộ và nay đã sửa. Kết quả đã gửi qua bưu "
            "chính công ích.",
        ),
        DemoText(
            "Niêm yết thủ tục chưa đầy đủ",
            "Bảng niêm yết tại bộ phận một cửa chưa có mẫu đơn mới nên người dân phải đi lại nhiều lần. Đề nghị bổ sung.",
            "Đã thay toàn bộ mẫu đơn theo quy định hiện hành, đặt mã QR để tra cứu và bố trí người hướng dẫn.",
        ),
    ),
    "land": (
        DemoText(
            "Chậm trả kết quả tách thửa",
            "Gia đình tôi ở {place} nộp hồ sơ tách thửa từ ngày {day}, đã quá hẹn nhưng chưa nhận được kết quả và cũng không "
            "có thư xin lỗi.",
            "Hồ sơ phải đo lại ranh giới do chồng lấn. Cơ quan đã xin lỗi bằng văn bản và hẹn trả kết quả trong tuần.",
        ),
        DemoText(
            "Xây dựng lấn hành lang đường ở {place}",
            "Có công trình đang đổ móng lấn ra hành lang đường tại {place}. Đề nghị kiểm tra giấy phép.",
            "Đã lập biên bản, yêu cầu dừng thi công và khôi phục hiện trạng phần lấn chiếm.",
        ),
    ),
    "welfare": (
        DemoText(
            "Chưa nhận được trợ cấp xã hội",
            "Mẹ tôi trên 80 tuổi ở {place} đã nộp đủ giấy tờ từ ngày {day} nhưng chưa được nhận trợ cấp hằng tháng.",
            "Quyết định hưởng trợ cấp đã được ký, truy lĩnh từ tháng đủ điều kiện và chi trả qua tài khoản.",
        ),
        DemoText(
            "Hỏi về hỗ trợ làm nhà tạm",
            "Gia đình tôi thuộc hộ nghèo ở {place}, nhà dột nát. Xin hỏi điều kiện và hồ sơ để được hỗ trợ xóa nhà tạm.",
            "Gia đình thuộc diện được hỗ trợ. Cán bộ đã đến hướng dẫn lập hồ sơ và đưa vào danh sách của quý tới.",
        ),
    ),
    "education_health": (
        DemoText(
            "Trạm y tế thiếu thuốc thông thường",
            "Trạm y tế gần {place} nhiều lần báo hết thuốc hạ sốt cho trẻ. Đề nghị bổ sung.",
            "Trung tâm y tế đã cấp bổ sung cơ số thuốc và lập mức tồn tối thiểu cho trạm.",
        ),
        DemoText(
            "Điểm trường {place} dột mái",
            "Phòng học điểm trường {place} bị dột, mỗi khi mưa các cháu phải dồn sang một phòng. Mong được sửa chữa.",
            "Đã lợp lại mái tôn và xử lý chống dột; kinh phí từ nguồn sửa chữa thường xuyên.",
        ),
    ),
    "delay": (
        DemoText(
            "Phải đi lại nhiều lần để bổ sung giấy tờ",
            "Tôi đến bộ phận một cửa bốn lần, mỗi lần lại được yêu cầu thêm một loại giấy tờ không có trong bảng niêm yết.",
            "Đã kiểm tra và chấn chỉnh; từ nay yêu cầu bổ sung chỉ được ghi một lần bằng phiếu. Xin lỗi ông/bà.",
        ),
    ),
    "attitude": (
        DemoText(
            "Cán bộ trả lời thiếu lịch sự",
            "Sáng ngày {day}, khi tôi hỏi về hồ sơ, cán bộ trả lời gắt gỏng và bảo về tự tìm hiểu.",
            "Lãnh đạo đã làm việc với công chức liên quan, yêu cầu rút kinh nghiệm và xin lỗi ông/bà.",
        ),
    ),
}

QUESTION = "Để kiểm tra được, xin ông/bà cho biết rõ vị trí và gửi thêm ảnh hoặc bản chụp giấy hẹn nếu có."
REPLY = "Vị trí ở ngay đầu {place}, cách trục đường chính khoảng 200 mét. Tôi không có giấy tờ gì thêm."
FORWARD = "Nội dung thuộc thẩm quyền của cơ quan nhận chuyển; xin tiếp tục giải quyết và trả lời người gửi."
OBJECTION = "Tôi thấy việc chưa xong như trả lời, mong cơ quan xem lại."
SECOND_ANSWER = "Đã kiểm tra lại cùng người dân và làm nốt phần còn lại; nghiệm thu xong trong tuần."
REMARKS = (
    "Giải quyết nhanh, cảm ơn.", "Mong lần sau báo kết quả sớm hơn.", "Cán bộ gọi điện hỏi rõ, tôi hài lòng.",
    "Trả lời còn chung chung.", "Đã làm đúng như trả lời.", "Phải chờ lâu quá.",
)  # fmt: skip
