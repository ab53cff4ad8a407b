"""JPEGs are decoded whole or refused, to the very pixels that Pillow makes of them."""

import io

import hostile_photos
import pytest
import simplejpeg
from hostile_photos import JPEG_END, drawing, encode, jpeg_scans, noise
from PIL import Image

from app.errors import TooManyPixels, UnreadablePhoto
from app.recognition.jpeg import read_layout
from app.recognition.limits import MAX_PIXELS, MAX_SHRUNK_PIXELS
from app.recognition.photos import FULL_SIDE, count_pixels, knows_size, open_photo

KINDS = [
    {"subsampling": "4:4:4"},
    {"subsampling": "4:2:2"},
    {"subsampling": "4:2:0"},
    {"subsampling": "4:1:1"},
    {"progressive": True},
    {"keep_rgb": True},
    {"restart_marker_blocks": 7},
]


def by_pillow(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.draft("RGB", (FULL_SIDE, FULL_SIDE))
    return picture.convert("RGB")


@pytest.mark.parametrize("size", [(96, 64), (1283, 1931), (2571, 2565)])
@pytest.mark.parametrize("options", KINDS, ids=str)
def test_a_sound_jpeg_has_the_pixels_that_networks_were_trained_on(
    options: dict[str, object], size: tuple[int, int]
) -> None:
    data = encode(noise(*size), "JPEG", **options)
    assert open_photo(data).tobytes() == by_pillow(data).tobytes()


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_jpeg_of_other_colours_has_the_pixels_that_pillow_makes(mode: str) -> None:
    data = encode(noise(1283, 1931).convert(mode), "JPEG")
    assert open_photo(data).tobytes() == by_pillow(data).tobytes()


@pytest.mark.parametrize("odd", [
    hostile_photos.samsung_jpeg,
    hostile_photos.padded_jpeg,
    hostile_photos.endless_jpeg,
    hostile_photos.later_jfif,
    hostile_photos.motion_photo,
], ids=lambda maker: maker.__name__)  # fmt: skip
def test_what_is_odd_and_harmless_changes_no_pixel(odd: hostile_photos.Maker) -> None:
    assert open_photo(odd()).tobytes() == open_photo(encode(drawing(), "JPEG")).tobytes()


@pytest.mark.parametrize("scans", range(1, 11))
def test_a_progressive_jpeg_may_lack_only_the_last_refinements(scans: int) -> None:
    data = b"".join(jpeg_scans()[: 1 + scans]) + JPEG_END
    if scans < 6:
        with pytest.raises(UnreadablePhoto):
            open_photo(data)
    else:
        assert open_photo(data).size == (96, 64)


def test_a_small_jpeg_sent_in_text_mode_is_refused_although_the_decoder_finds_no_fault() -> None:
    sent = encode(drawing().resize((136, 90)), "JPEG", optimize=True, quality=85).replace(b"\n", b"\r\n")
    simplejpeg.decode_jpeg(sent)
    with pytest.raises(UnreadablePhoto):
        open_photo(sent)


def test_a_component_without_a_scan_is_a_refusal() -> None:
    """Cb and Cr of a progressive JPEG have AC scans of their own, the third and the fourth."""
    first, *scans = jpeg_scans()
    for missing in (2, 3):
        with pytest.raises(UnreadablePhoto):
            open_photo(first + b"".join(scans[:missing] + scans[missing + 1 :]) + JPEG_END)


@pytest.mark.parametrize("bomb", [hostile_photos.scan_bomb, hostile_photos.exif_bomb])
def test_a_jpeg_of_endless_parts_is_refused_before_any_is_decoded(bomb: hostile_photos.Maker) -> None:
    with pytest.raises(ValueError, match="too many"):
        read_layout(bomb())


def test_a_jpeg_of_65_scans_is_refused() -> None:
    first, *scans = jpeg_scans()
    again = scans[-1].partition(b"\xff\xc4")[0]
    assert read_layout(first + b"".join(scans) + again * 54 + JPEG_END).scans == 64
    with pytest.raises(ValueError, match="too many scans"):
        read_layout(first + b"".join(scans) + again * 55 + JPEG_END)


# Limits go by the memory that a picture takes


def flat_jpeg(width: int, height: int, **options: object) -> bytes:
    return encode(Image.new("L", (width, height), 99), "JPEG", quality=30, **options)


def test_a_jpeg_of_50_megapixels_is_shrunk_while_it_is_read() -> None:
    data = flat_jpeg(8160, 6144)
    assert knows_size(data[:1000])
    assert count_pixels(data) == 8160 * 6144
    photo = open_photo(data)
    assert photo.size == (1020, 768)


def test_a_progressive_jpeg_of_50_megapixels_is_kept_whole_in_memory_and_refused() -> None:
    data = flat_jpeg(8160, 6144, progressive=True)
    with pytest.raises(TooManyPixels):
        knows_size(data[:1000])
    with pytest.raises(TooManyPixels):
        open_photo(data)


def test_a_strip_that_cannot_be_shrunk_counts_as_it_is() -> None:
    side = 2 * FULL_SIDE - 1
    with pytest.raises(TooManyPixels):
        open_photo(flat_jpeg(MAX_PIXELS // side + 1, side))


def test_200_megapixels_are_the_most() -> None:
    small = flat_jpeg(64, 64)
    frame = small.index(b"\xff\xc0") + 5

    def declare(width: int, height: int) -> bytes:
        return small[:frame] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + small[frame + 4 :]

    assert knows_size(declare(MAX_SHRUNK_PIXELS // 10_000, 10_000))
    with pytest.raises(TooManyPixels):
        knows_size(declare(MAX_SHRUNK_PIXELS // 10_000 + 1, 10_000))
