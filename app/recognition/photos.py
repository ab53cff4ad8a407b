"""Untrusted bytes in, an upright RGB photo out; and the small re-encoded copies that pages show."""

import hashlib
import io
import warnings
from time import thread_time

import numpy as np
from PIL import (
    Image,
    ImageFile,
    ImageOps,
    PngImagePlugin,
    WebPImagePlugin,  # noqa: F401  (else Pillow loads all its decoders)
)

from app.errors import NoImage, TooLarge, TooManyPixels, UnreadablePhoto, UnsupportedFormat
from app.recognition import heif
from app.recognition.colours import MAX_PROFILE, srgb_converter
from app.recognition.jpeg import SIGNATURE, Layout, decode_jpeg, read_layout, shrinking
from app.recognition.limits import MAX_BYTES, MAX_PIXELS, MAX_SHRUNK_PIXELS, MAX_SIDE
from app.texts import Text

MAX_SECONDS = 1.0  # of processor time to decode one photo; the slowest sound ones take half of it
TOO_LONG = Text("A side of this picture has more than %(most)d pixels. Choose a smaller one.", most=MAX_SIDE)
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
PHOTO_FAULTS = (NoImage, TooLarge, TooManyPixels, UnsupportedFormat, UnreadablePhoto)
FULL_SIDE = 640  # px; larger photos are shrunk, but never so far that the shorter side falls below this
THUMBNAIL_SIDE = 320
HASHED_SIDE = 256  # px; a larger photo is halved, or more, before its difference hash is taken, to save time
RETAINED_SIDE = 1024  # of a photo that RETAIN_PHOTOS lets the site keep

EXIF_ORIENTATION = 0x0112
READ_SIZE = 512  # bytes; small, because a few thousand can ask for a second of work
READS = 16  # between two looks at the clock, each of which asks the kernel
STRIP_HEIGHT = 64  # px of the finished photo
JPEGS = ("JPEG", "MPO")
MAX_BLANKS = 16  # frames of an animation that show nothing, before the first that does
WHITE, DARK = (255, 255, 255), (64, 64, 64)
OPAQUE, NEAR_WHITE = 128, 240  # of 255
SAMPLED_SIDE = 256  # px of a transparent picture that are looked at to choose what to lay it over

Image.MAX_IMAGE_PIXELS = MAX_SHRUNK_PIXELS  # Pillow itself refuses twice as many
PngImagePlugin.MAX_TEXT_CHUNK = MAX_PROFILE  # and of a compressed text; Pillow refuses a PNG with more

# Pillow's remarks quote numbers from the file, and each new text makes the log and Python's registry longer.
warnings.filterwarnings("ignore", module=r"PIL\.")


class _MeteredFile(io.BytesIO):
    """A file that can no longer be read once `MAX_SECONDS` of this thread's processor time are spent.

    Pillow does not limit the number of tiny blocks in front of any picture: without this, 10 MB of them keep
    a processor busy for an hour.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._deadline = thread_time() + MAX_SECONDS
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads % READS == 0 and thread_time() > self._deadline:
            raise TimeoutError
        return super().read(size)


def open_photo(data: bytes, heic: bool = True) -> Image.Image:
    """Decode one untrusted picture: first frame that shows something, upright, sRGB, opaque, no metadata.

    Pictures whose shorter side is at least twice `FULL_SIDE` come back shrunk by a whole number. HEIC is
    read only if `heic`. Raises one of `PHOTO_FAULTS`.
    """
    if not data:
        raise NoImage
    if len(data) > MAX_BYTES:
        raise TooLarge
    if kind := heif.kind_of(data):
        if kind == heif.HEIC and not heic:
            raise UnsupportedFormat(heif.HEIC_SENTENCE)
        heif.read_size(data)
        data = heif.make_png(data, FULL_SIDE)
    try:
        layout = read_layout(data) if data.startswith(SIGNATURE) else None
        picture = _identify(data)
        _check_size(picture)
        photo = _decode_jpeg(picture, layout) if layout else _decode(picture)
        _turn_upright(photo, _orientation(picture))
    except PHOTO_FAULTS:
        raise
    except Exception as error:  # decoders raise whatever they trip over, struct.error for one
        raise UnreadablePhoto from error
    return photo


def knows_size(beginning: bytes) -> bool:
    """Tell whether the first bytes of a picture say how large it is, and that it may be decoded.

    Raises UnsupportedFormat for what does not begin like a picture, TooManyPixels.
    """
    try:
        read_size(beginning)
    except UnreadablePhoto:
        return False
    return True


def count_pixels(data: bytes) -> int:
    """Return how many pixels of a picture `open_photo` would decode, by what the picture says of itself."""
    try:
        width, height = read_size(data)
    except PHOTO_FAULTS:
        return 0
    return width * height


def read_size(data: bytes) -> tuple[int, int]:
    """Return the width and height of a picture that may be decoded. Raises as `open_photo` does."""
    if heif.kind_of(data):
        return heif.read_size(data)
    picture = _identify(data)
    _check_size(picture)
    return picture.size


def fingerprint(photo: Image.Image) -> str:
    """Return the SHA-256 of the pixels of an opened photo: copies of a picture have the same one."""
    return hashlib.sha256(b"%d" % photo.width + photo.tobytes()).hexdigest()


def perceptual_hash(photo: Image.Image) -> str:
    """Return the difference hash, 64 bits in hexadecimal; pictures that look alike differ in few of them.

    Each bit says whether, in eight rows of nine grey pixels, one is brighter than the one to its left.
    Source: https://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html
    """
    factor = max(1, min(photo.size) // HASHED_SIDE)
    grey = photo.reduce(factor).convert("L").resize((9, 8), Image.Resampling.LANCZOS)
    pixels = np.asarray(grey)
    return np.packbits(pixels[:, 1:] > pixels[:, :-1]).tobytes().hex()


def thumbnail(photo: Image.Image, side: int = THUMBNAIL_SIDE) -> bytes:
    """Encode `photo` as a fresh JPEG, longest side at most `side` px, without metadata."""
    small = photo.copy()
    small.thumbnail((side, side), reducing_gap=1.5)  # halved first where it is three times too large
    return encode(small)


def shrink(copy: bytes, side: int = THUMBNAIL_SIDE) -> bytes:
    """Return a copy that this site has encoded, made anew only where it is larger than `side` px.

    Raises one of `PHOTO_FAULTS` for a damaged one.
    """
    fits = max(_identify(copy).size) <= side
    return copy if fits else thumbnail(open_photo(copy), side)


def encode(photo: Image.Image) -> bytes:
    """Encode an RGB photo as JPEG."""
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=82, optimize=True)
    return buffer.getvalue()


def _check_size(picture: ImageFile.ImageFile) -> None:
    """Raise TooManyPixels for a picture that takes too much memory or time to decode.

    A JPEG that is not progressive is shrunk while it is read, so that only what is left of it counts.
    """
    width, height = picture.size
    if max(width, height) > MAX_SIDE:
        raise TooManyPixels(TOO_LONG)
    if picture.format in JPEGS and "progressive" not in picture.info and width * height <= MAX_SHRUNK_PIXELS:
        scale = shrinking(picture.size, FULL_SIDE)
        width, height = width // scale, height // scale
    if width * height > MAX_PIXELS:
        raise TooManyPixels


def _decode_jpeg(picture: ImageFile.ImageFile, layout: Layout) -> Image.Image:
    photo = decode_jpeg(layout, picture.mode, picture.size, FULL_SIDE)
    profile = picture.info.get("icc_profile")
    is_done = photo.mode == "RGB" and not profile and min(photo.size) < 2 * FULL_SIDE
    return photo if is_done else _flatten(photo, profile)


def _decode(picture: ImageFile.ImageFile) -> Image.Image:
    """Decode the first frame of a picture that shows something, or the first of all."""
    picture.decodermaxblock = READ_SIZE
    picture.load()
    profile = picture.info.get("icc_profile")
    first = _flatten(picture, profile)
    for frame in range(1, 1 + min(MAX_BLANKS, MAX_PIXELS // (picture.width * picture.height))):
        if not _is_blank(first):
            break
        try:
            picture.seek(frame)
        except EOFError:
            break
        photo = _flatten(picture, profile)
        if not _is_blank(photo):
            return photo
    return first


def _is_blank(photo: Image.Image) -> bool:
    return len(photo.getcolors(1) or ()) == 1


def _identify(data: bytes) -> ImageFile.ImageFile:
    try:
        return Image.open(_MeteredFile(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels from error
    except Exception as error:
        raise (UnreadablePhoto if _starts_like_a_photo(data) else UnsupportedFormat) from error


def _starts_like_a_photo(data: bytes) -> bool:
    """Tell a damaged photo from a file of another kind by its first bytes."""
    is_webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return is_webp or data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a"))


def _flatten(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Copy the pixels of `picture`, which mean what `profile` says, into a new, possibly smaller, sRGB photo.

    Goes strip by strip: the copies that a change of mode makes of a whole picture add up to 400 MB.
    """
    width, height = picture.size
    factor = max(1, min(width, height) // FULL_SIDE)
    mode, convert = srgb_converter(profile) or ("RGB", None)
    photo = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    backdrop = _choose_backdrop(picture)
    for top in range(0, photo.height, STRIP_HEIGHT):
        bottom = min(height, (top + STRIP_HEIGHT) * factor)
        strip = picture.crop((0, top * factor, width, bottom))
        if convert and strip.mode == mode == "CMYK":
            strip = convert(strip)
        photo.paste(_lay_over(backdrop, strip).reduce(factor), (0, top))
    if convert and mode != "CMYK":
        return convert(photo.convert(mode))
    return photo


def _choose_backdrop(picture: Image.Image) -> tuple[int, int, int]:
    """Return the colour to lay a picture over: white, unless most that it shows is white itself."""
    if not picture.has_transparency_data:
        return WHITE
    size = min(picture.width, SAMPLED_SIDE), min(picture.height, SAMPLED_SIDE)
    layer = np.asarray(_to_8_bits(picture.resize(size, Image.Resampling.NEAREST)).convert("RGBA"))
    shown = layer[layer[..., 3] >= OPAQUE, :3]
    is_white = len(shown) > 0 and (shown.min(axis=1) >= NEAR_WHITE).mean() > 0.5
    return DARK if is_white else WHITE


def _lay_over(backdrop: tuple[int, int, int], picture: Image.Image) -> Image.Image:
    picture = _to_8_bits(picture)
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, backdrop), layer).convert("RGB")


def _to_8_bits(picture: Image.Image) -> Image.Image:
    """Keep the upper byte of 16-bit grey, where Pillow's own conversion clips."""
    if picture.mode != "I;16":
        return picture
    grey = picture.point(lambda value: value / 256).convert("L")
    if "transparency" in picture.info:
        grey.info["transparency"] = picture.info["transparency"] >> 8
    return grey


def _orientation(picture: Image.Image) -> object:
    """Return the orientation that EXIF names; as in browsers, XMP, which editors leave behind, has none."""
    exif = Image.Exif()
    try:
        exif.load(picture.info.get("exif", b""))
        return exif.get(EXIF_ORIENTATION)
    except Exception:  # broken EXIF is no reason to refuse a sound picture
        return None


def _turn_upright(photo: Image.Image, orientation: object) -> None:
    if orientation in range(2, 9):
        photo.getexif()[EXIF_ORIENTATION] = orientation
        ImageOps.exif_transpose(photo, in_place=True)
