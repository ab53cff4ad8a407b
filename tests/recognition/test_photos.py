"""The decoder of untrusted photos, case by case."""

import io
import itertools
import json
import random
import subprocess
import sys
import warnings

import hostile_photos
import numpy as np
import pytest
from hostile_photos import (
    DAMAGED,
    NOT_PHOTOS,
    PIXEL_BOMBS,
    SCRIPT,
    SOUND,
    TIME_BOMBS,
    Maker,
    chunk,
    drawing,
    encode,
    noise,
)
from PIL import Image

from app.errors import NoImage, TooLarge, TooManyPixels, UnreadablePhoto, UnsupportedFormat
from app.recognition import photos
from app.recognition.limits import MAX_BYTES, MAX_PIXELS, MAX_SIDE
from app.recognition.photos import (
    FULL_SIDE,
    THUMBNAIL_SIDE,
    open_photo,
    read_size,
    shrink,
    thumbnail,
)
from app.settings import ROOT

RED, GREEN, BLUE, YELLOW, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 255, 255)
MID_GREY = (128, 128, 128)
MEASURE = """
import json, sys
from app.errors import AppError
from app.recognition.photos import open_photo

def peak():  # ru_maxrss would begin at the peak of the process that started this one
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) / 1024

data = sys.stdin.buffer.read()
before, answer = peak(), "photo"
try:
    open_photo(data)
except AppError as error:
    answer = error.code
print(json.dumps({"answer": answer, "megabytes": peak() - before}))
"""

each = {"ids": lambda maker: maker.__name__}


def corners(photo: Image.Image) -> list[tuple[int, ...]]:
    """The colours 2 px inside the corners, clockwise from the upper left."""
    right, low = photo.width - 3, photo.height - 3
    return [photo.getpixel(place) for place in ((2, 2), (right, 2), (right, low), (2, low))]


def assert_close(colour: tuple[int, ...], wanted: tuple[int, ...], tolerance: int = 12) -> None:
    assert max(abs(got - want) for got, want in zip(colour, wanted, strict=True)) <= tolerance, colour


def assert_upright(photo: Image.Image) -> None:
    assert photo.size == (96, 64)
    for got, wanted in zip(corners(photo), (RED, GREEN, BLUE, YELLOW), strict=True):
        assert_close(got, wanted, 30)


def measure(data: bytes) -> dict[str, float | str]:
    """Open `data` in a fresh process; a decoder's memory is invisible to tracemalloc."""
    command = [sys.executable, "-c", MEASURE]
    done = subprocess.run(command, input=data, capture_output=True, check=True, cwd=ROOT)
    return json.loads(done.stdout)


# What is refused


def test_no_bytes_are_no_image() -> None:
    with pytest.raises(NoImage):
        open_photo(b"")


def test_more_than_ten_megabytes_are_too_large() -> None:
    with pytest.raises(TooLarge):
        open_photo(encode(drawing(), "JPEG").ljust(MAX_BYTES + 1))


def test_ten_megabytes_are_not_too_large() -> None:
    assert_upright(open_photo(encode(drawing(), "JPEG").ljust(MAX_BYTES)))


@pytest.mark.parametrize("maker", NOT_PHOTOS, **each)
def test_any_other_file_is_an_unsupported_format(maker: Maker) -> None:
    with pytest.raises(UnsupportedFormat):
        open_photo(maker())


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WebP", "GIF", "AVIF", "HEIC"])
def test_the_refusal_of_a_format_names_those_that_are_accepted(name: str) -> None:
    with pytest.raises(UnsupportedFormat, match=name):
        open_photo(hostile_photos.pdf())


def test_where_heic_is_turned_off_its_refusal_says_what_to_do() -> None:
    with pytest.raises(UnsupportedFormat, match=r"HEIC.*as JPEG"):
        open_photo(hostile_photos.heic(), heic=False)


def test_where_heic_is_turned_off_avif_is_read() -> None:
    assert_upright(open_photo(hostile_photos.avif(), heic=False))


@pytest.mark.parametrize("maker", PIXEL_BOMBS, **each)
def test_a_pixel_bomb_has_too_many_pixels(maker: Maker) -> None:
    with pytest.raises(TooManyPixels):
        open_photo(maker())


@pytest.mark.parametrize("maker", PIXEL_BOMBS, **each)
def test_a_pixel_bomb_costs_no_memory(maker: Maker) -> None:
    cost = measure(maker())
    assert cost["answer"] == "too_many_pixels"
    assert cost["megabytes"] < 50


@pytest.mark.parametrize("maker", PIXEL_BOMBS, **each)
@pytest.mark.filterwarnings("ignore")
def test_a_pixel_bomb_is_refused_where_warnings_are_no_errors(maker: Maker) -> None:
    with pytest.raises(TooManyPixels):
        open_photo(maker())


def test_one_column_beyond_25_megapixels_is_too_much() -> None:
    with pytest.raises(TooManyPixels):
        open_photo(hostile_photos.bilevel_png(MAX_PIXELS // 5000 + 1, 5000))


@pytest.mark.parametrize("size", [(MAX_SIDE + 1, 1), (1, MAX_SIDE + 1)])
def test_a_picture_that_is_a_long_line_is_refused_by_its_head(size: tuple[int, int]) -> None:
    with pytest.raises(TooManyPixels, match="A side of this picture"):
        read_size(hostile_photos.bilevel_png(*size)[:100])


def test_a_line_as_long_as_a_jpeg_can_be_is_read() -> None:
    assert open_photo(hostile_photos.bilevel_png(1, MAX_SIDE)).height == MAX_SIDE


def test_25_megapixels_are_not_too_much() -> None:
    photo = open_photo(hostile_photos.bilevel_png(MAX_PIXELS // 5000, 5000))
    assert photo.getextrema() == ((255, 255),) * 3


@pytest.mark.parametrize("maker", DAMAGED, **each)
def test_a_damaged_picture_gets_no_answer(maker: Maker) -> None:
    with pytest.raises(UnreadablePhoto):
        open_photo(maker())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_picture_cut_anywhere_is_refused_or_whole(kind: str) -> None:
    data = encode(noise(48, 32), kind)
    whole = open_photo(data).tobytes()
    read = 0
    for length in range(1, len(data)):
        try:
            assert open_photo(data[:length]).tobytes() == whole, f"cut to {length} of {len(data)} bytes"
            read += 1
        except (UnreadablePhoto, UnsupportedFormat):
            continue
    assert read < 30  # the few bytes after the last pixel


def test_a_truncated_progressive_jpeg_is_refused_at_every_scan() -> None:
    parts = hostile_photos.jpeg_scans()
    assert len(parts) == 11
    for number in range(len(parts)):
        with pytest.raises(UnreadablePhoto):
            open_photo(b"".join(parts[: 1 + number]))


@pytest.mark.parametrize("maker", TIME_BOMBS, **each)
def test_a_time_bomb_is_given_up(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at this clock takes a hundredth of the time that a photo gets."""
    looks = itertools.count()
    monkeypatch.setattr(photos, "thread_time", lambda: next(looks) * photos.MAX_SECONDS / 100)
    with pytest.raises(UnreadablePhoto):
        open_photo(maker())
    assert next(looks) < 110


def test_a_transparent_png_of_25_megapixels_is_not_copied_whole_again_and_again() -> None:
    rows = (b"\0" + b"\xff\0\0\x80" * 5000) * 5000
    cost = measure(hostile_photos.png((5000, 5000), hostile_photos.TRUECOLOUR_ALPHA, 8, rows))
    assert cost["answer"] == "photo"
    assert cost["megabytes"] < 180  # 100 of them are the decoded picture


# What is read, and how


@pytest.mark.parametrize("maker", SOUND, **each)
def test_an_odd_but_sound_picture_becomes_a_plain_rgb_photo(maker: Maker) -> None:
    photo = open_photo(maker())
    assert photo.mode == "RGB"
    assert type(photo) is Image.Image
    assert photo.info == {}


def test_a_plain_png_keeps_every_pixel() -> None:
    assert open_photo(encode(noise(), "PNG")).tobytes() == noise().tobytes()


def test_cmyk_colours_stay_what_they_were() -> None:
    assert_upright(open_photo(hostile_photos.cmyk_jpeg()))


def test_a_grey_jpeg_stays_grey() -> None:
    photo = open_photo(hostile_photos.grey_jpeg())
    wanted = drawing().convert("L").convert("RGB")
    for got, want in zip(corners(photo), corners(wanted), strict=True):
        assert_close(got, want)


def test_grey_with_alpha_is_laid_over_white() -> None:
    photo = open_photo(hostile_photos.grey_alpha_png())
    assert (photo.getpixel((0, 0)), photo.getpixel((7, 0))) == (MID_GREY, WHITE)


def test_a_transparent_colour_of_a_palette_is_laid_over_white() -> None:
    photo = open_photo(hostile_photos.palette_png())
    assert (photo.getpixel((0, 0)), photo.getpixel((7, 0))) == (RED, WHITE)


def test_half_transparent_red_over_white_is_pink() -> None:
    assert_close(open_photo(hostile_photos.half_transparent_png()).getpixel((0, 0)), (255, 127, 127), 1)


def test_a_transparent_webp_is_laid_over_white() -> None:
    assert open_photo(hostile_photos.transparent_webp()).getpixel((0, 0)) == WHITE


def test_a_transparent_gif_is_laid_over_white() -> None:
    assert open_photo(hostile_photos.transparent_gif()).getpixel((0, 0)) == WHITE


def cut_out(colour: tuple[int, ...], kind: str, **options: object) -> bytes:
    """A product of one colour, with some other in it, on a transparent background."""
    picture = Image.new("RGBA", (40, 40))
    picture.paste((*colour, 255), (10, 10, 30, 30))
    picture.paste((200, 0, 0, 255), (10, 10, 30, 18))
    return encode(picture, kind, **options)


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True})])
def test_a_white_product_is_laid_over_dark_grey(kind: str, options: dict[str, object]) -> None:
    photo = open_photo(cut_out((250, 252, 255), kind, **options))
    assert (photo.getpixel((2, 2)), photo.getpixel((20, 25))) == (photos.DARK, (250, 252, 255))


@pytest.mark.parametrize("colour", [(0, 0, 0), (230, 230, 230), (255, 255, 0)])
def test_any_other_product_is_laid_over_white(colour: tuple[int, ...]) -> None:
    assert open_photo(cut_out(colour, "PNG")).getpixel((2, 2)) == WHITE


def test_a_white_palette_colour_is_laid_over_dark_grey() -> None:
    colours = chunk(b"PLTE", b"\xff\xff\xff\0\0\0") + chunk(b"tRNS", b"\xff\0")
    data = hostile_photos.png((2, 1), hostile_photos.PALETTE, 8, b"\0\0\1", before=colours)
    photo = open_photo(data)
    assert [photo.getpixel((x, 0)) for x in range(2)] == [WHITE, photos.DARK]


def test_a_thumbnail_has_the_backdrop_of_the_photo() -> None:
    small = Image.open(io.BytesIO(thumbnail(open_photo(cut_out(WHITE, "PNG")))))
    assert_close(small.getpixel((2, 2)), photos.DARK)


def test_16_bit_mid_grey_stays_mid_grey() -> None:
    photo = open_photo(hostile_photos.grey_16_bit_png())
    assert [photo.getpixel((x, 0)) for x in range(3)] == [(0, 0, 0), MID_GREY, WHITE]


def test_the_transparent_grey_of_a_16_bit_png_is_laid_over_white() -> None:
    photo = open_photo(hostile_photos.grey_16_bit_keyed_png())
    assert [photo.getpixel((x, 0)) for x in range(2)] == [MID_GREY, WHITE]


def test_16_bit_colours_stay_what_they_were() -> None:
    photo = open_photo(hostile_photos.rgb_16_bit_png())
    assert [photo.getpixel((x, 0)) for x in range(2)] == [MID_GREY, RED]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
def test_a_photo_is_turned_upright_by_its_exif(kind: str, orientation: int) -> None:
    assert_upright(open_photo(hostile_photos.rotated(orientation, kind)))


def test_an_orientation_that_only_xmp_names_turns_nothing() -> None:
    assert_upright(open_photo(hostile_photos.stale_xmp_png()))


def test_exif_behind_the_pixels_of_a_png_turns_it_upright() -> None:
    whole = hostile_photos.rotated(6, "PNG")
    place = whole.index(b"eXIf") - 4
    end = place + 12 + int.from_bytes(whole[place : place + 4], "big")
    exif, rest = whole[place:end], whole[:place] + whole[end:]
    assert_upright(open_photo(rest[:-12] + exif + rest[-12:]))


def test_broken_exif_does_not_spoil_a_sound_photo() -> None:
    assert_upright(open_photo(hostile_photos.broken_exif()))


def test_one_pixel_is_a_photo() -> None:
    photo = open_photo(hostile_photos.one_pixel())
    assert (photo.size, photo.getpixel((0, 0))) == ((1, 1), RED)


def test_a_line_of_20000_pixels_is_a_photo() -> None:
    photo = open_photo(hostile_photos.one_by_20000())
    assert (photo.size, photo.getpixel((0, 19_999))) == ((1, 20_000), RED)


def test_the_first_picture_of_an_mpo_is_the_photo() -> None:
    assert_upright(open_photo(hostile_photos.mpo()))


@pytest.mark.parametrize(
    "maker", [hostile_photos.animated_gif, hostile_photos.animated_webp, hostile_photos.animated_png], **each
)
def test_the_first_frame_of_an_animation_is_the_photo(maker: Maker) -> None:
    assert_upright(open_photo(maker()))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
@pytest.mark.parametrize("blanks", [1, 3])
def test_the_first_frame_that_shows_something_is_the_photo(kind: str, blanks: int) -> None:
    assert_upright(open_photo(hostile_photos.late_animation(kind, blanks)))


def test_of_an_animation_that_begins_with_many_blank_frames_the_first_is_the_photo() -> None:
    photo = open_photo(hostile_photos.late_animation("WEBP", photos.MAX_BLANKS + 1))
    assert photo.getextrema() == ((255, 255),) * 3


@pytest.mark.parametrize("maker", [hostile_photos.animated_gif, hostile_photos.animated_webp], **each)
def test_the_other_ten_thousand_frames_cost_nothing(maker: Maker) -> None:
    cost = measure(maker())
    assert cost["answer"] == "photo"
    assert cost["megabytes"] < 50


# How large a photo comes back


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_large_photo_is_shrunk_to_no_less_than_the_full_side(kind: str) -> None:
    photo = open_photo(encode(drawing(2800, 2080), kind))
    assert FULL_SIDE <= photo.height < 2 * FULL_SIDE
    assert photo.width / photo.height == pytest.approx(2800 / 2080, rel=0.01)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_photo_below_twice_the_full_side_keeps_its_size(kind: str) -> None:
    assert open_photo(encode(drawing(2000, 1272), kind)).size == (2000, 1272)


def test_a_panorama_keeps_the_detail_of_its_short_side() -> None:
    assert open_photo(hostile_photos.panorama()).size == (8000, 304)


def test_a_shrunk_photo_shows_the_whole_picture() -> None:
    photo = open_photo(encode(drawing(1931, 1290), "PNG"))
    wanted = drawing(1931, 1290).resize(photo.size, Image.Resampling.BOX)
    assert photo.size == (966, 645)
    for got, want in zip(corners(photo), corners(wanted), strict=True):
        assert_close(got, want)


def test_strips_leave_no_seams() -> None:
    picture = noise(1300, 1304)
    photo = open_photo(encode(picture, "PNG"))
    assert photo.tobytes() == picture.reduce(2).tobytes()


# What pages show


def test_a_thumbnail_is_a_small_jpeg() -> None:
    small = Image.open(io.BytesIO(thumbnail(noise(640, 480))))
    assert (small.format, small.size) == ("JPEG", (THUMBNAIL_SIDE, 240))


def test_a_thumbnail_is_never_enlarged() -> None:
    assert Image.open(io.BytesIO(thumbnail(drawing()))).size == (96, 64)


def test_a_copy_is_made_again_only_if_it_is_too_large() -> None:
    copy = thumbnail(noise(640, 480), 640)
    assert shrink(copy, 640) is copy
    assert Image.open(io.BytesIO(shrink(copy))).size == (320, 240)


def test_a_thumbnail_of_a_line_is_a_line() -> None:
    line = open_photo(hostile_photos.one_by_20000())
    assert Image.open(io.BytesIO(thumbnail(line))).size == (1, THUMBNAIL_SIDE)


def test_a_thumbnail_leaves_the_photo_as_it_was() -> None:
    photo = noise(640, 480)
    thumbnail(photo)
    assert photo.size == (640, 480)


def test_the_telltale_photo_does_carry_a_position() -> None:
    exif = Image.open(io.BytesIO(hostile_photos.telltale_jpeg())).getexif()
    assert exif.get_ifd(hostile_photos.GPS)[1] == "N"


@pytest.mark.parametrize(
    "maker",
    [hostile_photos.telltale_jpeg, hostile_photos.telltale_png, hostile_photos.html_polyglot],
    **each,
)
def test_no_script_position_or_comment_reaches_a_thumbnail(maker: Maker) -> None:
    assert SCRIPT.encode() in maker()
    shown = thumbnail(open_photo(maker()))
    assert b"script" not in shown
    assert b"Exif" not in shown
    assert shown.endswith(b"\xff\xd9")
    small = Image.open(io.BytesIO(shown))
    assert not small.getexif()
    assert set(small.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


# What nobody thought of


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Damage `data` in one to four places: change, cut out, double or cut off."""
    damaged = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        place = (
            chance.randrange(len(damaged))
            if chance.random() < 0.5
            else chance.randrange(min(64, len(damaged)))
        )
        end = place + chance.randint(1, 16)
        match chance.randrange(6):
            case 0 | 1:
                damaged[place] ^= 1 << chance.randrange(8)
            case 2:
                damaged[place] = chance.choice((0, 1, 127, 128, 255))
            case 3 if len(damaged) > 32:
                del damaged[place:end]
            case 4:
                damaged[place:place] = damaged[place:end]
            case 5:
                damaged[place:end] = chance.randbytes(end - place)
    return bytes(damaged)


FUZZED = (
    lambda: encode(noise(48, 32), "JPEG"),
    lambda: encode(noise(48, 32), "JPEG", progressive=True),
    lambda: encode(noise(48, 32).convert("CMYK"), "JPEG"),
    hostile_photos.telltale_jpeg,
    hostile_photos.mpo,
    lambda: encode(noise(48, 32), "PNG"),
    hostile_photos.palette_png,
    hostile_photos.grey_16_bit_keyed_png,
    hostile_photos.animated_png,
    lambda: encode(noise(48, 32), "GIF"),
    hostile_photos.transparent_gif,
    lambda: hostile_photos.animated_gif(3),
    lambda: encode(noise(48, 32), "WEBP"),
    lambda: hostile_photos.rotated(6, "WEBP"),
    lambda: hostile_photos.animated_webp(3),
)


@pytest.mark.parametrize("warned", ["error", "ignore"])
def test_a_mutated_picture_is_a_photo_or_a_refusal(warned: str) -> None:
    chance = random.Random(warned)
    answers = {"photo": 0}
    with warnings.catch_warnings():
        warnings.simplefilter(warned)
        for make in FUZZED:
            data = make()
            for _ in range(40):
                try:
                    photo = open_photo(mutate(data, chance))
                except (TooManyPixels, UnsupportedFormat, UnreadablePhoto) as error:
                    answers[error.code] = answers.get(error.code, 0) + 1
                else:
                    assert photo.mode == "RGB"
                    answers["photo"] += 1
    assert answers["photo"] > 50
    assert answers["unreadable_image"] > 50


def test_the_beginning_of_a_photo_tells_its_size_and_the_rest_is_not_needed(coffee: bytes) -> None:
    assert not photos.knows_size(coffee[:64])
    assert photos.knows_size(coffee[:4096])


def test_copies_of_a_photo_have_one_fingerprint_and_other_photos_another() -> None:
    red, tall, wide = (Image.new("RGB", size, "red") for size in ((4, 4), (2, 8), (8, 2)))
    assert photos.fingerprint(red) == photos.fingerprint(red.copy())
    assert len({photos.fingerprint(photo) for photo in (red, tall, wide)}) == 3


@pytest.mark.parametrize(("size", "hashes"), [
    ((600, 400), ("82224b0222a22020", "434242090114428b")),
    ((1500, 1100), ("0420500004040404", "9221209408058052")),
    ((256, 256), ("9152019814810589", "a852d62402411008")),
    ((37, 1280), ("f0820880a8a08088", "8214080912929208")),
    ((9, 8), ("7f7fffffffffffff", "7fffffffffffffff")),
    ((1, 1), ("0000000000000000", "0000000000000000")),
])  # fmt: skip
def test_a_perceptual_hash_has_the_bits_that_imagehash_4_3_2_gave_it(
    size: tuple[int, int], hashes: tuple[str, str]
) -> None:
    """Histories hold hashes that ImageHash made; another bit would hide copies of photos seen before."""
    assert tuple(photos.perceptual_hash(waves(*size, seed)) for seed in (1, 5)) == hashes


def waves(width: int, height: int, seed: int) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    shades = [(x * x * (seed + shade) + y * (x + 31 * seed)) // 7 % 256 for shade in range(3)]
    return Image.fromarray(np.stack(shades, axis=-1).astype(np.uint8))
