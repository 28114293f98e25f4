"""Decoders: each picture in a process of its own, within limits; what one picture does is felt by nobody else."""

import asyncio
import os
import re
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import Any, cast

import httpx2
import psutil
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from backend.app import create_app
from backend.attachments import decoder_answer, decoder_pool, photos, service, waiting_folder
from backend.attachments.decoder_pool import DecoderPool, DecodersBusy
from backend.attachments.picture_header import MOST_PIXELS, PictureHeader, read_header
from backend.attachments.waiting_folder import WaitingFolderFull
from backend.errors import Invalid
from backend.messengers.messenger import Messenger
from bot import gateway
from bot.effects import BotEffect, EffectKind
from tests.factories import World
from tests.photos import files, picture, with_place
from tests.sending import form
from tests.threads import run_apart

FORMS = 60  # more than a web process has threads
DECODER = "from backend.attachments import decoder; sys.exit(decoder.main())"


@pytest.fixture
def pool() -> Iterator[DecoderPool]:
    """One decoder and no place beside it."""
    pool = DecoderPool(decoders=1, places=0)
    yield pool
    pool.close()


@pytest.fixture
def open_door() -> Iterator[Event]:
    """Set it to let a decoder go on that waits for it."""
    door = Event()
    yield door
    door.set()


def occupy(pool: DecoderPool, door: Event) -> Future[bool]:
    return pool.submit(lambda _pool: door.wait(60))


def decode(pool: DecoderPool, content: bytes) -> decoder_answer.EncodedPhoto:
    return pool.submit(lambda pool: pool.decode(content)).result()


def run_instead(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let a decoder be this program."""
    monkeypatch.setattr(decoder_pool, "COMMAND", (sys.executable, "-c", f"import sys; {code}"))


def decoders_at_work() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if sys.executable in child.cmdline()]


def chosen(*contents: bytes) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("photos", (f"anh-{n}.jpg", content, "image/jpeg")) for n, content in enumerate(contents, start=1)]


def held_of(page: str) -> list[str]:
    return re.findall(r'name="held" value="([^"]+)"', page)


@pytest.mark.parametrize("size", [(8160, 6144), (9248, 6936), (12000, 9000)])
def test_a_phone_photo_of_50_64_or_108_megapixels_is_taken(
    client: TestClient, world: World, size: tuple[int, int]
) -> None:
    seen = client.post("/gui/xem-lai", data=form(world), files=chosen(picture(size=size)))
    assert seen.status_code == 200
    assert len(held_of(seen.text)) == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("more", [{}, {"lossless": True}, {"progressive": True}])
def test_the_header_tells_the_size_as_the_decoder_does(kind: str, more: dict[str, Any]) -> None:
    content = picture(kind, (123, 45), **more)
    assert read_header(BytesIO(content)) == PictureHeader(kind, 123, 45)


def test_the_header_is_found_behind_what_a_camera_wrote() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    for content in (with_place(), picture("WEBP", exif=turned.tobytes()), picture("WEBP", mode="RGBA")):
        header = read_header(BytesIO(content))
        assert header is not None
        assert (header.width, header.height) == (60, 40)


@pytest.mark.parametrize("content", [b"\xff\xd8" + b"\xff\xe0\0\2" * 4_000_000, b"\xff\xd8" + b"\xff" * 9_000_000])
def test_a_header_without_end_is_given_up_early(content: bytes) -> None:
    file = BytesIO(content)
    assert read_header(file) is None
    assert file.tell() < 10_000


def test_what_the_header_refuses_starts_no_decoder(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "decoder_pool", lambda: pytest.fail("a decoder was asked"))
    width, height = 20_000, MOST_PIXELS["JPEG"] // 20_000 + 1
    bomb = bytearray(picture("JPEG", (1, 1)))
    frame = bomb.index(b"\xff\xc0") + 5
    bomb[frame : frame + 4] = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    for content in (bytes(bomb), b"<html>", b"", b"RIFF____WEBPVP8 "):
        with pytest.raises(Invalid):
            service.hold_photo(content, now)


def test_sixteen_bits_of_grey_stay_grey() -> None:
    packed = BytesIO()
    Image.new("I;16", (30, 30), 128 * 257).save(packed, "PNG")
    with Image.open(BytesIO(photos.reencode(packed.getvalue()).content)) as image:
        assert image.getpixel((15, 15)) == pytest.approx((128, 128, 128), abs=2)


def test_a_full_pool_answers_429_with_texts_and_photos_kept_and_goes_on_later(
    client: TestClient, world: World, pool: DecoderPool, open_door: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "decoder_pool", lambda: pool)
    first = client.post("/gui/xem-lai", data=form(world), files=chosen(picture()))
    fields = form(world) | {"held": held_of(first.text)}
    place = occupy(pool, open_door)
    for address in ("/gui/xem-lai", "/gui", "/gui/xem-lai?change=true"):
        busy = client.post(address, data=fields, files=chosen(picture(size=(70, 40))))
        assert busy.status_code == 429
        assert int(busy.headers["retry-after"]) > 0
        assert "Ảnh thứ 2 (anh-1.jpg): Máy chủ đang bận xử lý ảnh" in busy.text
        assert "Ổ gà trước cổng chợ" in busy.text
        assert held_of(busy.text) == fields["held"]
    open_door.set()
    assert place.result()
    again = client.post("/gui/xem-lai", data=fields, files=chosen(picture(size=(70, 40))))
    assert again.status_code == 200
    assert len(held_of(again.text)) == 2


def test_a_refusal_names_which_of_five_photos_it_means(client: TestClient, world: World) -> None:
    five = chosen(picture(), b"<html>", picture(size=(70, 40)), picture("BMP"), picture(size=(80, 40))[:200])
    refused = client.post("/gui/xem-lai", data=form(world), files=five)
    assert refused.status_code == 422
    assert "Ảnh thứ 2 (anh-2.jpg), 4 (anh-4.jpg), 5 (anh-5.jpg): Không đọc được tệp này." in refused.text
    assert len(held_of(refused.text)) == 2


def test_a_refusal_is_in_the_language_chosen_with_the_same_press(client: TestClient, world: World) -> None:
    refused = client.post("/gui/xem-lai?change=true", data=form(world, lang="en"), files=chosen(b"<b>", picture()))
    assert "Photo 1 (anh-1.jpg): This file cannot be read." in refused.text


async def answer_beside_photos(fields: dict[str, str], door: Event) -> tuple[int, list[int]]:
    """Status of /healthz while every form waits for a decoder, and of the forms afterwards."""
    transport = httpx2.ASGITransport(create_app())
    headers = {"Sec-Fetch-Site": "same-origin"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver", headers=headers) as browser:
        forms = [
            asyncio.create_task(browser.post("/gui/xem-lai", data=fields, files={"photos": ("a.jpg", picture())}))
            for _n in range(FORMS)
        ]
        health = await asyncio.wait_for(browser.get("/healthz"), 30)
        waiting = sum(not form.done() for form in forms)
        door.set()
        answers = await asyncio.gather(*forms)
    assert waiting == FORMS
    return health.status_code, [answer.status_code for answer in answers]


@pytest.mark.usefixtures("committed")
def test_pages_answer_while_more_forms_than_threads_wait_for_a_decoder(
    open_door: Event, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LANGNGHE_DATA_DIR", str(tmp_path))
    pool = DecoderPool(decoders=1, places=FORMS)
    monkeypatch.setattr(service, "decoder_pool", lambda: pool)
    photo = decoder_answer.EncodedPhoto(picture(), 60, 40, thumbnail=picture(), reduced=picture())
    monkeypatch.setattr(pool, "decode", lambda _content: photo)
    occupy(pool, open_door)
    health, answers = run_apart(answer_beside_photos({"title": "Ổ gà"}, open_door))
    pool.close()
    assert (health, set(answers)) == (200, {422})


def test_a_decoder_killed_from_outside_is_started_once_more(
    pool: DecoderPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = tmp_path / "killed"
    killed_once = (
        f"import os, pathlib; p = pathlib.Path({str(flag)!r})\nif not p.exists(): p.touch(); os.kill(os.getpid(), 9)"
    )
    run_instead(monkeypatch, f"{killed_once}\n{DECODER}")
    assert decode(pool, picture()).width == 60
    run_instead(monkeypatch, "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(DecodersBusy):
        decode(pool, picture())
    monkeypatch.undo()
    assert decode(pool, picture()).width == 60, "the pool lives on"


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 2))\nwhile True: pass", "quá nặng"),
        (f"from backend.attachments import decoder; decoder.MEMORY = 150_000_000; {DECODER}", "quá nặng"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "Không đọc được"),
        ("sys.exit(1)", "Không đọc được"),
    ],
)
def test_a_picture_beyond_the_limits_of_its_decoder_is_refused(
    pool: DecoderPool, code: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_instead(monkeypatch, code)
    with pytest.raises(Invalid, match=sentence):
        decode(pool, picture("PNG", (8000, 5000)))
    assert decoders_at_work() == []


def test_a_decoder_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = DecoderPool(decoders=1, places=0, time_limit=0.2)
    run_instead(monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(DecodersBusy):
        decode(pool, picture())
    assert decoders_at_work() == []
    pool.close()


def test_closing_ends_the_decoders_at_work_and_refuses_what_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = DecoderPool(decoders=1, places=1)
    run_instead(monkeypatch, "import time; time.sleep(60)")
    at_work = pool.submit(lambda pool: pool.decode(picture()))
    waiting = pool.submit(lambda pool: pool.decode(picture()))
    while not decoders_at_work():
        assert not at_work.done()
    pool.close()
    assert decoders_at_work() == []
    assert waiting.cancelled()
    with pytest.raises(DecodersBusy):
        at_work.result()
    with pytest.raises(DecodersBusy):
        pool.submit(lambda _pool: None)


def test_what_waited_too_long_gives_its_place_up(open_door: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_pool, "PATIENCE", -1.0)
    pool = DecoderPool(decoders=1, places=1)
    with pytest.raises(DecodersBusy):
        decode(pool, picture())
    monkeypatch.undo()
    assert decode(pool, picture()).width == 60
    pool.close()


def test_a_decoder_knows_none_of_our_settings(pool: DecoderPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGNGHE_SECRET_KEY", "x" * 40)
    run_instead(monkeypatch, f"import os; assert not any('LANGNGHE' in n for n in os.environ); {DECODER}")
    assert decode(pool, picture()).width == 60


def test_a_forked_process_begins_a_pool_of_its_own(now: datetime) -> None:
    service.hold_photo(picture(), now)
    assert decoder_pool.decoder_pool.cache_info().currsize == 1
    child = os.fork()
    if not child:
        os._exit(decoder_pool.decoder_pool.cache_info().currsize)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_full_folder_lets_the_oldest_go_and_refuses_only_what_still_finds_no_room(
    client: TestClient, world: World, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for width in (60, 70, 80):
        service.hold_photo(picture(size=(width, 40)), now)
    monkeypatch.setattr(waiting_folder, "MOST_BYTES", sum(path.stat().st_size for path in files(tmp_path)))
    for path in files(tmp_path):
        os.utime(path, (now.timestamp(), now.timestamp()))
    full = client.post("/gui/xem-lai", data=form(world), files=chosen(picture(size=(90, 90))))
    assert full.status_code == 429
    assert "quá nhiều ảnh chờ gửi" in full.text
    with pytest.raises(WaitingFolderFull):
        service.hold_photo(picture(size=(90, 90)), now + timedelta(minutes=59))
    photo = service.hold_photo(picture(size=(90, 90)), now + timedelta(minutes=61))
    assert {path.name for path in files(tmp_path)} == {f"{photo.key}{kind}.jpg" for kind in ("", ".small", ".reduced")}


class PhotoMessenger:
    """A messenger that hands out one photo."""

    async def file(self, _file_id: str) -> bytes:
        return picture()


def test_a_photo_in_the_chat_that_finds_no_decoder_stays_owed(
    pool: DecoderPool, open_door: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    occupy(pool, open_door)
    monkeypatch.setattr(service, "decoder_pool", lambda: pool)
    monkeypatch.setattr(
        gateway, "_list_owed", lambda _chat: ([BotEffect(EffectKind.KEEP_PHOTO, file_id="f", ticket_id=1)], "vi")
    )
    chats = gateway.BotGateway(cast(Messenger, PhotoMessenger()))
    run_apart(chats.pay(7))
    assert list(chats.debts) == [7]
