"""Colour profiles: what a photo's numbers mean becomes sRGB."""

import zlib

import profiles
import pytest
from hostile_photos import chunk, encode, png_with
from PIL import Image, ImageCms

from app.recognition.colours import MAX_PROFILE, srgb_converter
from app.recognition.photos import open_photo

COLOURS = ((200, 60, 60), (60, 160, 90), (128, 128, 128))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("space", profiles.SPACES)
@pytest.mark.parametrize("colour", COLOURS)
def test_a_colour_of_a_wide_space_is_seen_as_it_was_meant(
    colour: tuple[int, int, int], space: str, kind: str
) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    profile = profiles.matrix_profile(profiles.SPACES[space])
    photo = open_photo(encode(Image.new("RGB", (16, 16), colour), kind, icc_profile=profile, **options))
    wanted = profiles.seen_in_srgb(colour, profiles.SPACES[space])
    assert photo.getpixel((8, 8)) == pytest.approx(wanted, abs=4 if kind == "JPEG" else 1)


def test_a_large_photo_is_converted_after_it_is_shrunk() -> None:
    profile = profiles.matrix_profile(profiles.DISPLAY_P3)
    photo = open_photo(encode(Image.new("RGB", (1300, 1300), (200, 60, 60)), "PNG", icc_profile=profile))
    assert photo.size == (650, 650)
    wanted = profiles.seen_in_srgb((200, 60, 60), profiles.DISPLAY_P3)
    assert photo.getpixel((8, 8)) == pytest.approx(wanted, abs=1)


def test_inks_are_seen_as_the_press_prints_them() -> None:
    picture = Image.new("CMYK", (32, 16))
    picture.paste((255, 0, 0, 0), (16, 0, 32, 16))
    profile = profiles.press_profile()
    photo = open_photo(encode(picture, "JPEG", quality=95, icc_profile=profile))
    assert photo.getpixel((4, 8)) == pytest.approx((255, 255, 255), abs=3)
    assert photo.getpixel((28, 8)) == pytest.approx((183, 131, 128), abs=4)  # Lab 60, 20, 10


def test_the_grey_of_a_scanner_is_seen_as_it_was_meant() -> None:
    picture = Image.new("L", (16, 16), 55)
    photo = open_photo(encode(picture, "PNG", icc_profile=profiles.grey_profile(1.0)))
    assert photo.getpixel((8, 8)) == (128, 128, 128)


def test_a_png_may_have_a_profile_of_megabytes() -> None:
    profile = profiles.matrix_profile(profiles.DISPLAY_P3).ljust(2_000_000, b"\0")
    photo = open_photo(encode(Image.new("RGB", (16, 16), (200, 60, 60)), "PNG", icc_profile=profile))
    wanted = profiles.seen_in_srgb((200, 60, 60), profiles.DISPLAY_P3)
    assert photo.getpixel((8, 8)) == pytest.approx(wanted, abs=1)


def test_a_transparent_picture_with_a_profile_is_converted() -> None:
    profile = profiles.matrix_profile(profiles.DISPLAY_P3)
    picture = Image.new("RGBA", (16, 16), (200, 60, 60, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 8, 16))
    photo = open_photo(encode(picture, "PNG", icc_profile=profile))
    assert photo.getpixel((2, 8)) == (255, 255, 255)
    wanted = profiles.seen_in_srgb((200, 60, 60), profiles.DISPLAY_P3)
    assert photo.getpixel((12, 8)) == pytest.approx(wanted, abs=1)


@pytest.mark.parametrize("profile", [
    b"",
    b"no profile",
    profiles.matrix_profile(profiles.DISPLAY_P3)[:200],
    profiles.press_profile(),
    profiles.matrix_profile(profiles.DISPLAY_P3).replace(b"XYZ ", b"Lab "),
], ids=["empty", "text", "cut", "of a press", "of Lab"])  # fmt: skip
def test_a_photo_with_a_broken_or_foreign_profile_keeps_its_colours(profile: bytes) -> None:
    name_and_profile = b"a\0\0" + zlib.compress(profile)
    plain = open_photo(png_with(b""))
    assert open_photo(png_with(chunk(b"iCCP", name_and_profile))).tobytes() == plain.tobytes()


def test_the_profile_of_srgb_changes_nothing() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert srgb_converter(srgb) is None


def test_a_huge_profile_is_not_read() -> None:
    profile = profiles.matrix_profile(profiles.DISPLAY_P3)
    assert srgb_converter(profile) is not None
    assert srgb_converter(profile.ljust(MAX_PROFILE + 1, b"\0")) is None
