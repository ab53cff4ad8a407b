"""The form of a text in which searches compare it."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})  # Unicode treats these as letters, not as ligatures
# The endings of plurals with those of their singulars, in both languages.
PLURALS = (("s", ""), ("es", ""), ("ies", "y"), ("aux", "al"), ("eaux", "eau"), ("eux", "eu"), ("oux", "ou"))
SHORTEST = 3  # letters of a singular


def fold_text(text: str) -> str:
    """Fold a text for a search: small letters, no accents, no ligatures, no compatibility characters."""
    letters = unicodedata.normalize("NFKD", text.casefold().translate(LIGATURES))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return plain.encode("utf-8", "ignore").decode()


def plain_words(text: str) -> list[str]:
    """Return the folded words of a text, without punctuation and letters of other scripts."""
    return re.findall("[a-z0-9]+", fold_text(text).encode("ascii", "ignore").decode())


class SearchText(NamedTuple):
    """What a search compares with a query.

    `phrases` are whole names and synonyms. `names` and `synonyms` have a space before and after each word;
    `name_words`, `synonym_words` and `path_words` are their words, and the path's, with the `forms` of each.
    """

    phrases: frozenset[str]
    names: str
    name_words: frozenset[str]
    synonyms: str
    synonym_words: frozenset[str]
    path_words: frozenset[str]


def search_text(names: Iterable[str], synonyms: Iterable[str], path: Iterable[str]) -> SearchText:
    """Prepare names such as "Mug / cup", synonyms and the names in a path for searches."""
    phrases = [
        [plain_words(part) for text in texts for part in text.split(" / ")] for texts in (names, synonyms)
    ]
    (called, also) = ([word for phrase in group for word in phrase] for group in phrases)
    return SearchText(
        phrases=_all_forms(" ".join(phrase) for group in phrases for phrase in group),
        names=f" {' '.join(called)} ",
        name_words=_all_forms(called),
        synonyms=f" {' '.join(also)} ",
        synonym_words=_all_forms(also),
        path_words=frozenset().union(*map(_forms_in, path)),
    )


@lru_cache(20_000)  # a tree has some thousand words, most of them many times
def forms(word: str) -> frozenset[str]:
    """Return a folded word or phrase and what may be its singular, in both languages.

    Two words with a form in common are the same word.
    """
    singulars = (
        word.removesuffix(plural) + singular
        for plural, singular in PLURALS
        if word.endswith(plural)
        and not word.endswith("ss")
        and len(word) - len(plural) + len(singular) >= SHORTEST
    )
    return frozenset((word, *singulars))


def _all_forms(words: Iterable[str]) -> frozenset[str]:
    return frozenset().union(*map(forms, words))


@lru_cache(20_000)  # categories share the names above them
def _forms_in(text: str) -> frozenset[str]:
    return _all_forms(plain_words(text))
