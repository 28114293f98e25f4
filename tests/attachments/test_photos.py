"""Photos: only pictures within limits, nothing of the camera kept, shown to nobody without the right."""

import os
import re
import zlib
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.attachments import photos, service
from backend.attachments.models import Attachment
from backend.attachments.picture_header import MOST_BYTES
from backend.errors import Invalid, NotFound
from backend.public.sending_pages import SenderFlows
from backend.tickets.models import Ticket
from backend.web.rate_limits import NetworkFlow
from tests.factories import World
from tests.photos import files, picture, with_place
from tests.sending import application, form
from tests.signing_in import sign_in
from tests.waiting import wait_until


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_kept_as_jpeg_within_its_measures(kind: str) -> None:
    kept = photos.reencode(picture(kind, (3000, 1500)))
    with Image.open(BytesIO(kept.content)) as image:
        assert image.format == "JPEG" and image.size == (2000, 1000) == (kept.width, kept.height)


@pytest.mark.parametrize("mode", ["L", "1", "LA", "RGBA", "P", "I;16"])
def test_any_colour_mode_becomes_an_opaque_picture(mode: str) -> None:
    packed = BytesIO()
    Image.new(mode, (8, 8)).save(packed, "PNG")
    with Image.open(BytesIO(photos.reencode(packed.getvalue()).content)) as image:
        assert image.mode == "RGB"


def test_place_serial_number_and_comment_are_left_behind_and_the_photo_stands_upright() -> None:
    content = with_place()
    assert b"SERIAL-4711" in content and b"CANARY-COMMENT" in content
    kept = photos.reencode(content)
    assert (kept.width, kept.height) == (40, 60)
    assert b"SERIAL" not in kept.content and b"CANARY" not in kept.content and b"Exif" not in kept.content
    with Image.open(BytesIO(kept.content)) as image:
        assert not image.getexif() and "comment" not in image.info


NOT_PHOTOS = {
    "nothing": b"",
    "html": b"<html><script>alert(1)</script>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "gif with script": b"GIF89a/*" + b"\0" * 40 + b"*/=1;alert(1)",
    "half a photo": picture(size=(600, 400))[:900],
    "bmp": picture("BMP"),
    "tiff": picture("TIFF"),
    "eicar": b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
}


@pytest.mark.parametrize("name", NOT_PHOTOS)
def test_what_is_no_photo_by_its_content_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="JPEG, PNG"):
        photos.reencode(NOT_PHOTOS[name])


@pytest.mark.parametrize("size", [(8000, 6501), (50_000, 50_000)])
def test_a_picture_of_too_many_points_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    header = bytearray(picture("PNG", (1, 1)))
    header[16:24] = size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big")
    header[29:33] = zlib.crc32(bytes(header[12:29])).to_bytes(4, "big")
    with pytest.raises(Invalid, match="triệu điểm ảnh"):
        photos.reencode(bytes(header))


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(Invalid, match="20 MB"):
        photos.reencode(picture() + b"\0" * MOST_BYTES)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.integers(0, 600))
def test_damage_anywhere_is_a_refusal_or_a_photo_and_never_a_failure(noise: bytes, place: int) -> None:
    content = picture("WEBP", (64, 64))
    with suppress(Invalid):
        kept = photos.reencode(content[:place] + noise + content[place + len(noise) :])
        assert kept.content.startswith(b"\xff\xd8")


def test_the_same_photo_twice_is_kept_once_and_a_sixth_is_refused(
    session: Session, world: World, now: datetime
) -> None:
    ticket, _secret = world.receive(now)
    first = service.store_photo(session, ticket.id, picture(), now)
    assert service.store_photo(session, ticket.id, picture(), now).id == first.id
    for width in range(61, 65):
        service.store_photo(session, ticket.id, picture(size=(width, 40)), now)
    with pytest.raises(Invalid, match="nhiều nhất 5 ảnh"):
        service.store_photo(session, ticket.id, picture(size=(90, 40)), now)
    assert session.scalar(select(func.count()).select_from(Attachment)) == 5


def test_a_photo_needs_a_ticket(session: Session, now: datetime) -> None:
    with pytest.raises(NotFound):
        service.store_photo(session, 999_999_999, picture(), now)


def test_a_photo_of_no_ticket_is_swept_after_a_day_and_no_other(
    session: Session, world: World, now: datetime, tmp_path: Path
) -> None:
    ticket, _secret = world.receive(now)
    kept = service.store_photo(session, ticket.id, picture(), now)
    session.commit()
    service.hold_photo(picture(size=(70, 40)), now)
    stray = tmp_path / "attachments" / "ab" / f"ab{'0' * 30}.jpg"
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"left by a transaction that failed")
    for path in files(tmp_path):
        os.utime(path, (now.timestamp(), now.timestamp()))
    assert service.sweep_orphans(now + timedelta(hours=23)) == 0
    assert service.sweep_orphans(now + timedelta(hours=25)) == 7, "three copies of two, and the stray"
    assert {path.stem for path in files(tmp_path)} == {kept.key, f"{kept.key}.reduced"}
    assert service.sweep_orphans(now + timedelta(hours=25)) == 0


def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    client: TestClient, session: Session, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    refused = client.post("/gui", data=form(world), files={"photos": ("a.jpg", picture(), "image/jpeg")})
    assert refused.status_code == 422 and "chưa lưu được ảnh" in refused.text and "Ổ gà trước cổng chợ" in refused.text
    assert files(tmp_path) == [] and session.scalar(select(func.count()).select_from(Ticket)) == 0


def test_photos_survive_an_error_the_look_over_and_dropping_one(
    client: TestClient, session: Session, world: World
) -> None:
    two = [("photos", ("../../a.html", with_place(), "text/html")), ("photos", ("b", picture("PNG"), "x/y"))]
    refused = client.post("/gui/xem-lai", data=form(world, title=""), files=two)
    held = re.findall(r'name="held" value="([^"]+)"', refused.text)
    assert refused.status_code == 422 and len(held) == 2 and refused.text.count("data:image/jpeg;base64,") == 2
    seen = client.post("/gui/xem-lai", data=form(world) | {"held": held, "drop": "2"})
    kept = re.findall(r'name="held" value="([^"]+)"', seen.text)
    assert kept == held[:1]
    fields = form(world) | {"held": kept}
    assert client.post("/gui", data=fields).status_code == 303
    assert client.post("/gui", data=fields).status_code == 303
    photo = session.scalars(select(Attachment)).one()
    assert (photo.width, photo.height) == (40, 60)


def test_a_word_for_a_photo_cannot_be_made_up(client: TestClient, session: Session, world: World) -> None:
    forged = client.post("/gui", data=form(world, held="WyIuLi8uLi9ldGMvcGFzc3dkIl0.AAAA"))
    assert forged.status_code == 422 and 'id="photos-error"' in forged.text
    assert session.scalar(select(func.count()).select_from(Ticket)) == 0


def test_a_sixth_photo_in_the_form_is_refused_and_five_are_kept(client: TestClient, world: World) -> None:
    six = [("photos", (f"{n}.jpg", picture(size=(60 + n, 40)), "image/jpeg")) for n in range(6)]
    refused = client.post("/gui", data=form(world), files=six)
    assert refused.status_code == 422 and "nhiều nhất 5 ảnh" in refused.text
    assert len(re.findall(r'name="held"', refused.text)) == 5


def test_only_the_sender_and_who_handles_see_a_photo(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    ticket, secret = world.receive(now)
    service.store_photo(session, ticket.id, picture(), now)
    other, other_secret = world.receive(now)
    session.commit()
    address = "/theo-doi/phan-anh/anh/1"
    assert client.get(address).status_code == 404
    assert client.get(f"/phan-anh/{ticket.number}/anh/1").status_code == 303
    client.post("/theo-doi", data={"number": other.number, "secret": other_secret})
    assert client.get(address).status_code == 404
    client.post("/theo-doi", data={"number": ticket.number, "secret": secret})
    shown = client.get(address)
    assert shown.status_code == 200 and shown.content[:2] == b"\xff\xd8"
    assert shown.headers["content-type"] == "image/jpeg" and shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["cache-control"] == "private, no-store"
    assert shown.headers["content-disposition"] == "inline; filename=anh-1.jpg"
    assert "sandbox" in shown.headers["content-security-policy"]
    for place in ("0", "2", "-1", "9" * 30, "x"):
        assert client.get(f"/theo-doi/phan-anh/anh/{place}").status_code in (404, 422)


def test_a_held_photo_that_was_swept_is_said_so(session: Session, world: World, now: datetime) -> None:
    ticket, _secret = world.receive(now)
    gone = replace(service.hold_photo(picture(), now), key="0" * 32)
    with pytest.raises(Invalid, match="không còn nữa"):
        service.attach_photos(session, ticket.id, [gone], now)


def test_a_photo_swept_between_two_looks_loses_neither_form_nor_half_a_ticket(
    client: TestClient, session: Session, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = client.post("/gui/xem-lai", data=form(world), files={"photos": ("a.jpg", picture(), "image/jpeg")})
    fields = form(world) | {"held": re.findall(r'name="held" value="([^"]+)"', seen.text)}
    monkeypatch.setattr(service, "waiting", lambda held: True)  # it was there when the form was read
    for path in files(tmp_path):
        path.unlink()
    for address in ("/gui/xem-lai", "/gui"):
        answer = client.post(address, data=fields)
        assert answer.status_code in (200, 422) and "Ổ gà trước cổng chợ" in answer.text
    assert "không còn nữa" in answer.text
    assert session.scalar(select(func.count()).select_from(Ticket)) == 0


def test_too_many_photos_from_one_network_wait_and_the_feedback_goes_on_without(
    client: TestClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application(client).state, "flows", SenderFlows(NetworkFlow(9), NetworkFlow(1)))
    two = [("photos", (f"{n}.jpg", picture(size=(60 + n, 40)), "image/jpeg")) for n in range(2)]
    refused = client.post("/gui", data=form(world), files=two)
    assert refused.status_code == 429 and 'id="photos-error"' in refused.text
    assert len(re.findall(r'name="held"', refused.text)) == 1


def test_a_page_of_a_ticket_loads_reduced_copies_and_the_photo_itself_opens_on_click(
    client: TestClient, session: Session, world: World, now: datetime
) -> None:
    ticket, _secret = world.receive(now)
    stored = service.store_photo(session, ticket.id, picture(size=(1600, 1200)), now)
    sign_in(client, world.user())
    page = client.get(f"/hop-thu/{ticket.number}").text
    address = f"/phan-anh/{ticket.number}/anh/1"
    assert f'<a href="{address}">' in page and f'<img src="{address}/nho"' in page
    reduced = client.get(f"{address}/nho")
    with Image.open(BytesIO(reduced.content)) as image:
        assert image.size == (400, 300)
    assert len(reduced.content) < len(client.get(address).content) == stored.size
    sign_in(client, world.user(unit=world.unit("LC-SXD")))
    assert client.get(f"{address}/nho").status_code == 404


def test_an_earlier_photo_gets_its_reduced_copy_after_the_first_look_and_the_sweep_lets_it_stay(
    session: Session, world: World, now: datetime, tmp_path: Path
) -> None:
    ticket, _secret = world.receive(now)
    stored = service.store_photo(session, ticket.id, picture(size=(1600, 1200)), now)
    (path,) = [path for path in files(tmp_path) if ".reduced" in path.name and "held" not in path.parts]
    path.unlink()
    assert service.read_reduced(stored) == service.read_photo(stored)
    wait_until(path.exists)
    assert len(service.read_reduced(stored)) < stored.size
    os.utime(path, (0, 0))
    service.sweep_orphans(now)
    assert path.exists()
