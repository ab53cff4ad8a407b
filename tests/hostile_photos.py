"""Odd and hostile pictures, made by code, for tests of the decoder and of the site."""

import io
import re
import struct
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from pillow_heif import register_heif_opener

register_heif_opener()
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, TRUECOLOUR, PALETTE, TRUECOLOUR_ALPHA = 0, 2, 3, 6  # colour types of PNG
GIF_END, JPEG_END = b";", b"\xff\xd9"
SCRIPT = "<script>alert(1)</script>"
ORIENTATION, DESCRIPTION, GPS = 0x0112, 0x010E, 0x8825


# Sound pictures to start from


def drawing(width: int = 96, height: int = 64) -> Image.Image:
    """Draw a picture whose corners tell every orientation apart: red, green, blue, yellow, clockwise."""
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    right, low = width - width // 4, height - height // 4
    draw.rectangle((0, 0, width // 4, height // 4), "red")
    draw.rectangle((right, 0, width, height // 4), "lime")
    draw.rectangle((right, low, width, height), "blue")
    draw.rectangle((0, low, width // 4, height), "yellow")
    return picture


def noise(width: int = 96, height: int = 64) -> Image.Image:
    """Make smooth random colours, which compress like a photo."""
    small = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def encode(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """Encode `picture` with Pillow."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, data: bytes = b"") -> bytes:
    """Make one chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    size: tuple[int, int], colour: int, depth: int, rows: bytes, before: bytes = b"", after: bytes = b""
) -> bytes:
    """Make a PNG from its raw rows (each led by its filter byte), and chunks before and after the pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(rows, 1))
    return PNG_SIGNATURE + header + before + pixels + after + chunk(b"IEND")


def png_with(chunks: bytes) -> bytes:
    """Put `chunks` behind the header of a PNG."""
    whole = encode(drawing(), "PNG")
    return whole[:33] + chunks + whole[33:]


def segment(marker: int, data: bytes = b"") -> bytes:
    """Make one segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def jpeg_with(segments: bytes, picture: bytes | None = None) -> bytes:
    """Put `segments` at the start of a JPEG."""
    picture = picture or encode(drawing(), "JPEG")
    return picture[:2] + segments + picture[2:]


# Rows 4 and 5: not photos, or photos of a kind that is not accepted


def html() -> bytes:
    return f"<!doctype html><title>a</title>{SCRIPT}".encode()


def svg() -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{SCRIPT}</svg>'.encode()


def eps() -> bytes:
    return encode(drawing(), "EPS")


def pdf() -> bytes:
    return encode(drawing(), "PDF")


def tiff() -> bytes:
    return encode(drawing(), "TIFF")


def icns() -> bytes:
    return encode(drawing(64, 64), "ICNS")


def fli() -> bytes:
    header = struct.pack("<IHHHHHHI", 128 + 16, 0xAF11, 1, 8, 8, 8, 0, 5)
    frame = struct.pack("<IHH8x", 16, 0xF1FA, 0)
    return header.ljust(128, b"\0") + frame


def film() -> bytes:
    """Begin like a sequence of HEIC pictures."""
    return struct.pack(">I4s4sI8s", 24, b"ftyp", b"hevc", 0, b"msf1hevc") + chunk(b"meta", bytes(64))


# Row 6: pixel bombs


def gif_bomb() -> bytes:
    """Declare 65,535 x 65,535 px (4.3 gigapixels) around one pixel."""
    whole = encode(Image.new("P", (1, 1)), "GIF")
    return whole[:6] + struct.pack("<HH", 65535, 65535) + whole[10:]


@cache
def png_bomb() -> bytes:
    """Make a valid and complete PNG of 30,000 x 30,000 px in 500 kB."""
    return bilevel_png(30_000, 30_000)


@cache
def warned_bomb() -> bytes:
    """Make 100 megapixels, about which Pillow only warns."""
    return bilevel_png(10_000, 10_000)


def bilevel_png(width: int, height: int) -> bytes:
    """Make a white PNG of one bit a pixel."""
    return png((width, height), GREY, 1, (b"\0" + b"\xff" * ((width + 7) // 8)) * height)


def heic_bomb() -> bytes:
    """Declare 65,535 x 65,535 px in a small HEIC."""
    whole = heic()
    place = whole.index(b"ispe") + 8
    return whole[:place] + struct.pack(">II", 65535, 65535) + whole[place + 8 :]


def jpeg_bomb() -> bytes:
    """Declare 65,535 x 65,535 px in the frame header of a small JPEG."""
    return _declare_jpeg_size(encode(drawing(), "JPEG"), 65535, 65535)


def webp_bomb() -> bytes:
    """Declare an animation of 13,300 x 13,300 px (177 megapixels) around one small frame."""
    return animated_webp(1, canvas=(13_300, 13_300))


def gif_frame_bomb() -> bytes:
    """Declare a small GIF whose first frame lies 65,535 px off in both directions."""
    whole = encode(Image.new("P", (1, 1)), "GIF")
    frame = whole.index(b",")
    return whole[: frame + 1] + struct.pack("<HH", 65534, 65534) + whole[frame + 5 :]


def _declare_jpeg_size(picture: bytes, width: int, height: int) -> bytes:
    place = picture.index(b"\xff\xc0") + 5
    return picture[:place] + struct.pack(">HH", height, width) + picture[place + 4 :]


# Rows 7 and 8: damaged pictures


def png_text_bomb() -> bytes:
    """Pack 16 MB of text into a chunk of 16 kB."""
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(16 * 2**20)))
    return png((1, 1), TRUECOLOUR, 8, b"\0\xff\0\0", before=text)


def truncated_jpeg() -> bytes:
    return _first_half(encode(noise(), "JPEG"))


def truncated_progressive_jpeg() -> bytes:
    return _first_half(encode(noise(), "JPEG", progressive=True))


def truncated_png() -> bytes:
    return _first_half(encode(noise(), "PNG"))


def truncated_webp() -> bytes:
    return _first_half(encode(noise(), "WEBP"))


def truncated_heic() -> bytes:
    return heic()[:-9]


def truncated_avif() -> bytes:
    return avif()[:-9]


def truncated_gif() -> bytes:
    return _first_half(encode(noise(), "GIF"))


def halved_jpeg() -> bytes:
    """Lose the second half but for the end marker, as a program does that closes a file properly."""
    whole = encode(noise(), "JPEG")
    return whole[: len(whole) // 2] + JPEG_END


def zeroed_jpeg() -> bytes:
    """Hold zeros instead of the second half, as after a download into a file of the right size."""
    half = truncated_jpeg()
    return half.ljust(2 * len(half), b"\0") + JPEG_END


def holed_jpeg() -> bytes:
    """Lose a packet from the middle."""
    whole = encode(noise(640, 480), "JPEG")
    middle = len(whole) // 2
    return whole[:middle] + whole[middle + 1460 :]


def text_mode_jpeg() -> bytes:
    """Hold CR LF for each LF, after a transfer in text mode."""
    return encode(noise(640, 480), "JPEG").replace(b"\n", b"\r\n")


def halved_cmyk_jpeg() -> bytes:
    whole = encode(noise().convert("CMYK"), "JPEG")
    return whole[: len(whole) // 2] + JPEG_END


def scanless_jpeg() -> bytes:
    """Lack all but the first scans of a progressive JPEG, which looks like a blurred photo."""
    return b"".join(jpeg_scans()[:6]) + JPEG_END


def broken_apng() -> bytes:
    """Announce an animation frame that is larger than the picture."""
    frame = struct.pack(">IIIIIHHBB", 0, 999, 999, 0, 0, 1, 10, 0, 0)
    animation = chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", frame)
    return png((1, 1), TRUECOLOUR, 8, b"\0\xff\0\0", before=animation)


def jpeg_scans() -> list[bytes]:
    """Cut a progressive JPEG without its end marker into what stands before the scans, and its ten scans."""
    return re.split(rb"(?=\xff\xda)", encode(noise(), "JPEG", progressive=True).removesuffix(JPEG_END))


def _first_half(picture: bytes) -> bytes:
    return picture[: len(picture) // 2]


# Pictures of a few bytes a step that ask for minutes of work


@cache
def scan_bomb() -> bytes:
    """Repeat the cheapest scan of an arithmetic-coded progressive JPEG of 25 megapixels 800,000 times."""
    tables = segment(0xDB, b"\0" + b"\1" * 64)
    frame = segment(0xCA, struct.pack(">BHHB3B", 8, 4990, 4990, 1, 1, 0x11, 0))
    first = segment(0xDA, bytes((1, 1, 0, 0, 0, 0)))
    again = segment(0xDA, bytes((1, 1, 0, 1, 63, 0)))
    return b"\xff\xd8" + tables + frame + first + again * 800_000 + b"\xff\xd9"


@cache
def exif_bomb() -> bytes:
    """Lengthen 5 MB of EXIF by one byte 400,000 times, each of which Pillow copies whole."""
    long = segment(0xE1, b"Exif\0\0" + bytes(65_000))
    return jpeg_with(long * 80 + segment(0xE1, b"Exif\0\0a") * 400_000)


@cache
def profile_bomb() -> bytes:
    """Give 8,000 colour profiles, each of 1 kB that unpacks to 1 MB."""
    profile = chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(2**20 - 10)))
    return png((1, 1), TRUECOLOUR, 8, b"\0\xff\0\0", after=profile * 8_000)


@cache
def comment_bomb() -> bytes:
    """Cut the comment of a GIF into 5 million blocks of one byte."""
    whole = encode(drawing(), "GIF")
    frame = whole.index(b",")
    return whole[:frame] + b"!\xfe" + b"\1a" * 5_000_000 + b"\0" + whole[frame:]


# Row 10: odd but sound


def cmyk_jpeg() -> bytes:
    return encode(drawing().convert("CMYK"), "JPEG", quality=95)


def samsung_jpeg() -> bytes:
    """Say in the header of the scan that it has one coefficient, as some of Samsung's cameras do."""
    whole = bytearray(encode(drawing(), "JPEG"))
    scan = whole.index(b"\xff\xda")
    whole[scan + whole[scan + 3]] = 0
    return bytes(whole)


def motion_photo() -> bytes:
    """Put a film after the photo."""
    return encode(drawing(), "JPEG") + struct.pack(">I4s4sI", 16, b"ftyp", b"mp42", 0) + bytes(5000)


def padded_jpeg() -> bytes:
    """Put zeros before the end marker, as some cameras do."""
    return encode(drawing(), "JPEG").removesuffix(JPEG_END) + bytes(30) + JPEG_END


def endless_jpeg() -> bytes:
    """Lack only the end marker."""
    return encode(drawing(), "JPEG").removesuffix(JPEG_END)


def later_jfif() -> bytes:
    """Name a version of JFIF that nobody knows."""
    whole = bytearray(encode(drawing(), "JPEG"))
    whole[whole.index(b"JFIF\0") + 5] = 9
    return bytes(whole)


def unrefined_jpeg() -> bytes:
    """Lack the last refinement of each component of a progressive JPEG."""
    return b"".join(jpeg_scans()[:7]) + JPEG_END


def grey_jpeg() -> bytes:
    return encode(drawing().convert("L"), "JPEG", quality=95)


def grey_alpha_png() -> bytes:
    """Show mid grey on the left and nothing on the right."""
    picture = Image.new("LA", (8, 8), (128, 255))
    picture.paste((0, 0), (4, 0, 8, 8))
    return encode(picture, "PNG")


def palette_png() -> bytes:
    """Show red on the left; on the right the palette's transparent black."""
    colours = chunk(b"PLTE", b"\xff\0\0\0\0\0") + chunk(b"tRNS", b"\xff\0")
    return png((8, 8), PALETTE, 8, b"\0\0\0\0\0\1\1\1\1" * 8, before=colours)


def half_transparent_png() -> bytes:
    return encode(Image.new("RGBA", (8, 8), (255, 0, 0, 128)), "PNG")


def transparent_webp() -> bytes:
    return encode(Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "WEBP", lossless=True)


def transparent_gif() -> bytes:
    return encode(Image.new("P", (8, 8), 1), "GIF", transparency=1)


def grey_16_bit_png() -> bytes:
    """Show black, mid grey and white of 16 bits, 1 px each."""
    return png((3, 1), GREY, 16, b"\0" + struct.pack(">3H", 0, 0x8080, 0xFFFF))


def grey_16_bit_keyed_png() -> bytes:
    """Show 16-bit mid grey next to a black that is declared transparent."""
    key = chunk(b"tRNS", struct.pack(">H", 0x0001))
    return png((2, 1), GREY, 16, b"\0" + struct.pack(">2H", 0x8080, 0x0001), before=key)


def rgb_16_bit_png() -> bytes:
    """Show mid grey and pure red of 16 bits, 1 px each."""
    return png((2, 1), TRUECOLOUR, 16, b"\0" + struct.pack(">6H", *(0x8080,) * 3, 0xFFFF, 0, 0))


def rotated(orientation: int, kind: str = "JPEG") -> bytes:
    """Store `drawing()` so that only its EXIF orientation (1 to 8) turns it upright."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    picture = drawing()
    stored = picture.transpose(undo[orientation]) if orientation in undo else picture
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return encode(stored, kind, exif=exif.tobytes())


def heic() -> bytes:
    """Make what an iPhone takes: HEIC that a box of its own turns upright."""
    return rotated(6, "HEIF")


def avif() -> bytes:
    return rotated(6, "AVIF")


def one_pixel() -> bytes:
    return encode(Image.new("RGB", (1, 1), "red"), "PNG")


def one_by_20000() -> bytes:
    return encode(Image.new("RGB", (1, 20_000), "red"), "PNG")


def panorama() -> bytes:
    return encode(noise(8000, 304), "JPEG")


def mpo() -> bytes:
    """Make the two-picture JPEG of phones and stereo cameras; the second picture is black."""
    second = Image.new("RGB", (96, 64))
    return encode(drawing(), "MPO", save_all=True, append_images=[second])


# Row 11: animations


@cache
def animated_gif(frames: int = 10_000) -> bytes:
    """Show `drawing()` first, then 1 px frames."""
    first = encode(drawing(), "GIF")
    tiny = encode(Image.new("P", (1, 1)), "GIF").removesuffix(GIF_END)
    return first.removesuffix(GIF_END) + tiny[tiny.index(b",") :] * (frames - 1) + GIF_END


@cache
def animated_webp(frames: int = 10_000, canvas: tuple[int, int] = (96, 64)) -> bytes:
    """Show `drawing()` first, then 1 px frames."""
    first, tiny = drawing(), Image.new("RGB", (1, 1))
    body = _webp_chunk(b"VP8X", b"\2\0\0\0" + _uint24(canvas[0] - 1) + _uint24(canvas[1] - 1))
    body += _webp_chunk(b"ANIM", bytes(6)) + _webp_frame(first) + _webp_frame(tiny) * (frames - 1)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def late_animation(kind: str, blanks: int = 1) -> bytes:
    """Show `drawing()` after `blanks` white frames, all different."""
    white = [Image.new("RGB", (96, 64), (255 - number,) * 3) for number in range(blanks)]
    options = {"lossless": True} if kind == "WEBP" else {}
    return encode(white[0], kind, save_all=True, append_images=[*white[1:], drawing()], **options)


def animated_png() -> bytes:
    return encode(drawing(), "PNG", save_all=True, append_images=[Image.new("RGB", (96, 64))] * 3)


def _webp_frame(picture: Image.Image) -> bytes:
    width, height = picture.size
    place = bytes(6) + _uint24(width - 1) + _uint24(height - 1) + _uint24(10) + b"\0"
    return _webp_chunk(b"ANMF", place + encode(picture, "WEBP", lossless=True)[12:])


def _webp_chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _uint24(value: int) -> bytes:
    return value.to_bytes(3, "little")


# Row 12: pictures that carry more than pixels


def html_polyglot() -> bytes:
    """Make a sound JPEG that is also a page with a script, in its comment and after its end."""
    return jpeg_with(segment(0xFE, html())) + html()


def telltale_jpeg() -> bytes:
    """Carry a script and a GPS position in EXIF, XMP and a comment."""
    exif = Image.Exif()
    exif[DESCRIPTION] = SCRIPT
    exif.get_ifd(GPS).update({1: "N", 2: (48.0, 51.0, 29.6), 3: "E", 4: (2.0, 17.0, 40.2)})
    return encode(drawing(), "JPEG", exif=exif, comment=SCRIPT, xmp=SCRIPT.encode(), dpi=(300, 300))


def stale_xmp_png() -> bytes:
    """Say in XMP alone that an upright picture lies on its side, as editors leave it behind."""
    stale = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    return png_with(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + stale))


def telltale_png() -> bytes:
    texts = chunk(b"tEXt", b"Comment\0" + SCRIPT.encode()) + chunk(
        b"iCCP", b"a\0\0" + zlib.compress(b"profile")
    )
    return png((1, 1), TRUECOLOUR, 8, b"\0\xff\0\0", before=texts)


def broken_exif() -> bytes:
    """Carry EXIF that is none."""
    return jpeg_with(segment(0xE1, b"Exif\0\0" + SCRIPT.encode()))


# For tests that try them all, with the status and the code of the site's answer

Maker = Callable[[], bytes]
NOT_PHOTOS: tuple[Maker, ...] = (html, svg, eps, pdf, tiff, icns, fli, film)  # 415 unsupported_format
PIXEL_BOMBS: tuple[Maker, ...] = (  # 413 too_many_pixels
    gif_bomb,
    gif_frame_bomb,
    png_bomb,
    warned_bomb,
    jpeg_bomb,
    heic_bomb,
    webp_bomb,
)
DAMAGED: tuple[Maker, ...] = (  # 422 unreadable_image
    png_text_bomb,
    truncated_jpeg,
    halved_jpeg,
    zeroed_jpeg,
    holed_jpeg,
    text_mode_jpeg,
    halved_cmyk_jpeg,
    scanless_jpeg,
    truncated_progressive_jpeg,
    truncated_png,
    truncated_webp,
    truncated_gif,
    truncated_heic,
    truncated_avif,
    broken_apng,
)
TIME_BOMBS: tuple[Maker, ...] = (scan_bomb, exif_bomb, profile_bomb, comment_bomb)  # 422, after MAX_SECONDS
SOUND: tuple[Maker, ...] = (  # 200
    samsung_jpeg,
    motion_photo,
    padded_jpeg,
    endless_jpeg,
    later_jfif,
    unrefined_jpeg,
    heic,
    avif,
    cmyk_jpeg,
    grey_jpeg,
    grey_alpha_png,
    palette_png,
    half_transparent_png,
    transparent_webp,
    transparent_gif,
    grey_16_bit_png,
    grey_16_bit_keyed_png,
    rgb_16_bit_png,
    one_pixel,
    one_by_20000,
    panorama,
    mpo,
    animated_gif,
    animated_webp,
    animated_png,
    html_polyglot,
    telltale_jpeg,
    telltale_png,
    broken_exif,
    stale_xmp_png,
)
