"""Texts as searches compare them, whoever wrote them and however."""

import re
import unicodedata

LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})  # Unicode takes these two for letters of their own


def fold_text(text: str) -> str:
    """Write a text as a search compares it: small letters, no accents or ligatures, nothing odd."""
    letters = unicodedata.normalize("NFKD", text.casefold().translate(LIGATURES))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return plain.encode("utf-8", "ignore").decode()


def plain_words(text: str) -> list[str]:
    """Return the words of a text, folded, without punctuation and letters of other scripts."""
    return re.findall("[a-z0-9]+", fold_text(text).encode("ascii", "ignore").decode())
