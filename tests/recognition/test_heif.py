"""HEIC and AVIF are decoded in a process of their own, within bounds."""

import hostile_photos
import profiles
import pytest
from hostile_photos import drawing, encode
from PIL import Image

from app.errors import TooManyPixels, UnreadablePhoto, UnsupportedFormat
from app.recognition import heif
from app.recognition.photos import FULL_SIDE, count_pixels, knows_size, open_photo

KINDS = ("HEIF", "AVIF")
JUNK_BRAND = 8  # where the brand of a file begins


def flat(kind: str, width: int, height: int, **options: object) -> bytes:
    return encode(Image.new("RGB", (width, height), (200, 60, 60)), kind, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_large_photo_comes_back_shrunk(kind: str) -> None:
    photo = open_photo(flat(kind, 1600, 1300))
    assert min(photo.size) == 650 >= FULL_SIDE
    assert photo.getpixel((9, 9)) == pytest.approx((200, 60, 60), abs=4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_colours_of_a_phone_are_converted(kind: str) -> None:
    photo = open_photo(flat(kind, 64, 64, icc_profile=profiles.matrix_profile(profiles.DISPLAY_P3)))
    wanted = profiles.seen_in_srgb((200, 60, 60), profiles.DISPLAY_P3)
    assert photo.getpixel((9, 9)) == pytest.approx(wanted, abs=4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_transparent_one_is_laid_over_white(kind: str) -> None:
    photo = open_photo(encode(Image.new("RGBA", (64, 64), (255, 0, 0, 0)), kind))
    assert photo.getpixel((9, 9)) == pytest.approx((255, 255, 255), abs=2)


@pytest.mark.parametrize("kind", KINDS)
def test_its_beginning_tells_its_size(kind: str) -> None:
    data = encode(drawing(), kind)
    assert not knows_size(data[:40])
    assert knows_size(data[:-9])
    assert count_pixels(data) == 96 * 64


@pytest.mark.parametrize("kind", KINDS)
def test_beyond_25_megapixels_nothing_is_decoded(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encode(drawing(), kind)
    monkeypatch.setattr(heif, "MAX_PIXELS", 96 * 64 - 1)
    monkeypatch.setattr(heif, "DECODER", "/no/such/program")
    with pytest.raises(TooManyPixels):
        open_photo(data)


def test_what_a_file_says_of_its_size_is_checked_before_it_is_decoded() -> None:
    """The program does so itself, for a size that is written in another way."""
    with pytest.raises(UnreadablePhoto):
        run_decoder(encode(drawing(), "AVIF"), pixels=96 * 64 - 1)
    assert run_decoder(encode(drawing(), "AVIF"), pixels=96 * 64)


def run_decoder(data: bytes, pixels: int) -> bytes:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heif, "MAX_PIXELS", pixels)
        return heif.make_png(data, FULL_SIDE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_decoder_that_takes_too_much_time_is_ended(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousandth of a second is less than it takes to decode 2 megapixels on any machine."""
    data = flat(kind, 1600, 1300)
    monkeypatch.setattr(heif, "MAX_SECONDS", 0.001)
    with pytest.raises(UnreadablePhoto):
        open_photo(data)


@pytest.mark.parametrize("kind", KINDS)
def test_a_decoder_that_takes_too_much_memory_is_ended(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pixels alone take 6 MB."""
    data = flat(kind, 1600, 1300)
    monkeypatch.setattr(heif, "MAX_MEMORY", 5_000_000)
    with pytest.raises(UnreadablePhoto):
        open_photo(data)


def test_25_megapixels_fit_into_the_memory() -> None:
    assert open_photo(flat("AVIF", 5000, 5000, speed=10)).size == (715, 715)


@pytest.mark.parametrize("brand", sorted(heif.FILMS))
def test_a_film_is_no_photo(brand: bytes) -> None:
    data = encode(drawing(), "HEIF")
    with pytest.raises(UnsupportedFormat):
        open_photo(data[:JUNK_BRAND] + brand + data[JUNK_BRAND + 4 :])


def test_a_container_of_either_kind_is_known_by_the_brands_that_follow() -> None:
    for kind, name in (("HEIF", heif.HEIC), ("AVIF", heif.AVIF)):
        data = encode(drawing(), kind)
        assert heif.kind_of(data[:8] + b"mif1" + data[12:]) == name
    assert heif.kind_of(hostile_photos.one_pixel()) is None
