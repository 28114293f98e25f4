"""Words of the load data: places, details, endings and names, so that a million texts differ and can be searched for.

The samples are those of the demonstration. No word means a real person, event or ticket.
"""

from collections.abc import Iterator
from itertools import product
from typing import Final

from backend.devserver.demo.texts import FAMILY, GIVEN, MIDDLE, SAMPLES

FIRST_SYLLABLES: Final = (
    *("Nà", "Huổi", "Phiêng", "Tả", "Sin", "Nậm", "Pa", "Lao", "Hua", "Ma", "Thèn", "Sì", "Pắc", "Chiềng", "Khổng"),
    *("Séo", "Can", "Lùng", "Mù", "Dào", "Bản", "Pú", "Hồng", "Vàng", "Phìn", "Tông", "Noong", "Co", "Lả", "Cang"),
)
LAST_SYLLABLES: Final = (
    *("Khum", "Lá", "Ban", "Chải", "Câu", "Cáy", "Tết", "Cuổi", "Sao", "Đon", "Pả", "Choang", "Hồ", "Lay", "Mạ"),
    *("Phát", "Tở", "Chin"),
)
DETAILS: Final = (
    "Việc này kéo dài từ đầu tháng, nhiều hộ đã báo trưởng bản nhưng chưa có ai đến xem.",
    "Hôm họp bản có nêu ra, cán bộ hứa kiểm tra rồi không thấy trả lời.",
    "Gần đó có lớp mầm non, hằng ngày hơn ba chục cháu đi qua.",
    "Đoạn này dài chừng hai trăm mét, ngay sau khúc cua có cây gạo.",
    "Bà con đã tự góp tiền mua vật liệu nhưng không đủ làm.",
    "Trời mưa là nước tràn vào nhà, đồ đạc phải kê lên cao.",
    "Tôi đã gọi điện hai lần vào giờ hành chính mà không có người nghe máy.",
    "Người già và phụ nữ có thai đi lại rất khó, nhất là buổi tối.",
    "Hộ bị nhiều nhất là mấy nhà ở cuối dốc, sát bờ suối.",
    "Năm ngoái cũng đã xảy ra một lần và được sửa tạm bằng đá hộc.",
    "Tôi gửi kèm bản chụp giấy hẹn, ngày trả kết quả ghi trên giấy đã qua mười hôm.",
    "Xe khách không vào được nên học sinh nội trú phải đi bộ hơn bốn cây số.",
    "Mấy hôm nay có mùi khét ở cột điện, tôi sợ chập cháy.",
    "Đường ống bị rò ở hai chỗ, nước chảy cả ngày đêm rất lãng phí.",
    "Chỗ này không có biển báo, người lạ đi qua dễ gặp nạn.",
    "Chúng tôi không rõ thuộc trách nhiệm của thôn, của xã hay của ngành nào.",
    "Đã có một vụ ngã xe máy tuần trước, người bị nạn phải khâu bảy mũi.",
    "Chủ cơ sở nói đã có giấy phép nhưng không cho ai xem.",
    "Tiếng ồn bắt đầu từ chập tối, có hôm đến nửa đêm.",
    "Gia đình tôi có con nhỏ đang ốm nên rất mong được giải quyết sớm.",
    "Danh sách niêm yết ở nhà văn hóa thiếu tên của ba hộ trong bản.",
    "Máy bơm hỏng từ vụ trước, ruộng nứt nẻ không cấy được.",
    "Bãi rác tự phát ngày một lớn, trâu bò vào ăn cả túi ni lông.",
    "Cột mốc lộ giới bị nhổ mất, hai nhà liền kề đang tranh chấp.",
    "Tôi làm theo hướng dẫn trên cổng dịch vụ công mà hệ thống báo lỗi ở bước thanh toán.",
    "Ảnh chụp cho thấy lan can cầu đã gãy một đoạn khoảng hai mét.",
    "Thầy cô phải cho các cháu nghỉ học hai buổi vì phòng ngập.",
    "Bác sĩ trực nói hết vắc xin, hẹn tuần sau mà đến nay chưa có.",
    "Sổ hộ nghèo của gia đình bị ghi sai năm sinh của mẹ tôi.",
    "Cây đổ chắn ngang lối vào nghĩa trang, bà con không đi viếng được.",
    "Nước giếng khoan có màu vàng, để lắng qua đêm vẫn còn cặn.",
    "Đàn chó thả rông đuổi theo trẻ em đi học.",
)
ENDINGS: Final = (
    "Kính mong được xem xét và trả lời cho bà con biết.",
    "Đề nghị cử cán bộ xuống kiểm tra tại chỗ.",
    "Xin cho biết ai chịu trách nhiệm và bao giờ xong.",
    "Nếu cần, tôi sẵn sàng dẫn đoàn đến tận nơi.",
    "Mong được giữ kín tên người gửi.",
    "Xin trả lời qua tin nhắn vì vùng này sóng điện thoại yếu.",
    "Tôi xin chịu trách nhiệm về nội dung đã nêu.",
    "Rất mong việc này được giải quyết trước mùa mưa.",
    "Đề nghị thông báo lịch làm cụ thể để các hộ chuẩn bị.",
    "Xin cảm ơn cơ quan đã tiếp nhận.",
    "Nếu không thuộc thẩm quyền, xin chuyển giúp đến đúng nơi.",
    "Đề nghị có biện pháp lâu dài, không chỉ sửa tạm.",
    "Chúng tôi đã có đơn tập thể gồm mười bảy chữ ký.",
    "Mong nhận được kết quả bằng văn bản.",
    "Đề nghị đăng công khai kết quả xử lý.",
    "Xin hướng dẫn thêm về thủ tục hỗ trợ.",
)
CLOSINGS: Final = (
    "Chi tiết tại Công văn số {n}/UBND-VP.",
    "Kết quả được ghi trong Biên bản số {n}/BB-KT.",
    "Mọi thắc mắc xin liên hệ bộ phận một cửa, phiếu số {n}.",
    "Việc theo dõi tiếp được giao cho tổ công tác theo Thông báo số {n}/TB-UBND.",
    "Xin cảm ơn ông/bà đã phản ánh.",
    "Nếu còn vướng mắc, ông/bà có quyền yêu cầu xem lại.",
    "Kinh phí lấy từ nguồn sự nghiệp theo Quyết định số {n}/QĐ-UBND.",
    "Ảnh sau khi khắc phục được lưu trong hồ sơ số {n}.",
)
COUNTS: Final = {"place": 512, "detail": 64, "ending": 64, "closing": 16, "name": 1024}


def list_words() -> Iterator[tuple[str, int, str]]:
    """Yield kind, number and word. A list that is shorter than its count begins again."""
    words = {
        "place": [f"bản {first} {last}" for first, last in product(FIRST_SYLLABLES, LAST_SYLLABLES)],
        "detail": DETAILS,
        "ending": ENDINGS,
        "closing": CLOSINGS,
        "name": [f"{family} {middle} {given}" for given, middle, family in product(GIVEN, MIDDLE, FAMILY)],
    }
    for kind, count in COUNTS.items():
        yield from ((kind, nth, words[kind][nth % len(words[kind])]) for nth in range(count))


def list_samples() -> Iterator[tuple[str, int, int, str, str, str]]:
    """Yield category, number, count in the category, title, content and answer."""
    for category, samples in SAMPLES.items():
        yield from ((category, nth, len(samples), *sample) for nth, sample in enumerate(samples))
