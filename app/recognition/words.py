"""The form of a text in which searches compare it."""

import re
import unicodedata

LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})  # Unicode treats these as letters, not as ligatures


def fold_text(text: str) -> str:
    """Fold a text for a search: small letters, no accents, no ligatures, no compatibility characters."""
    letters = unicodedata.normalize("NFKD", text.casefold().translate(LIGATURES))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return plain.encode("utf-8", "ignore").decode()


def plain_words(text: str) -> list[str]:
    """Return the folded words of a text, without punctuation and letters of other scripts."""
    return re.findall("[a-z0-9]+", fold_text(text).encode("ascii", "ignore").decode())
