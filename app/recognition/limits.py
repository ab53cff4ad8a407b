"""What one request may bring: the one place for these limits, which sentences, pages and scripts read."""

MEGABYTE = 1024 * 1024
MAX_BYTES = 10 * MEGABYTE  # of a photo, or of all in one form
MAX_PIXELS = 25_000_000  # of a photo that is decoded as it is
MAX_SHRUNK_PIXELS = 200_000_000  # of a JPEG that the decoder shrinks while it reads it
MAX_SIDE = 65_535  # px of a picture; no JPEG is longer, and decoders take seconds for a line of 25 million
MAX_PHOTOS = 8  # of one product
MAX_AT_ONCE = 50  # photos in one request
MAX_QUERY = 200  # characters of a search; further ones are ignored
MOST_CATEGORIES, MOST_TAUGHT = 50, 2000  # that one visitor can teach, and photos of all of them
