"""A program of its own: a HEIC or AVIF photo in, the same as a shrunk PNG out, or an end.

`app.recognition.heif` starts it for each photo, because the decoders cannot be bounded within a process.
"""

import io
import resource
import signal
import sys
from pathlib import Path

from PIL import AvifImagePlugin, Image
from pillow_heif import register_heif_opener

THREADS = 2


def main(seconds: float, memory: int, pixels: int, shortest: int) -> None:
    """Decode what stdin brings within so much processor time and memory (bytes)."""
    data = sys.stdin.buffer.read()
    AvifImagePlugin.DEFAULT_MAX_THREADS = THREADS
    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=THREADS)
    limit(seconds, memory)
    picture = Image.open(io.BytesIO(data), formats=("HEIF", "AVIF"))
    if picture.width * picture.height > pixels:
        sys.exit("too many pixels")
    picture.load()
    small = picture.reduce(max(1, min(picture.size) // shortest))
    kept = {name: picture.info[name] for name in ("icc_profile", "exif") if picture.info.get(name)}
    small.save(sys.stdout.buffer, "PNG", compress_level=0, **kept)


def limit(seconds: float, memory: int) -> None:
    """Have the system end this process after `seconds`, and give it no more than `memory` besides its own."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    size = Path("/proc/self/statm")
    if size.exists():  # Linux; elsewhere the system does not keep to such a limit
        most = int(size.read_text().split()[0]) * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main(float(sys.argv[1]), *map(int, sys.argv[2:]))
