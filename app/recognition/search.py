"""Find a category by its name, path or number."""

from app.recognition.limits import MAX_QUERY
from app.recognition.taxonomy import Category, Taxonomy
from app.recognition.words import plain_words

EXACT_ID, NO_MATCH = -1, 1000  # distances
MIN_DIGITS = 3  # of an id; fewer match too many ids


def search(taxonomy: Taxonomy, query: str, limit: int) -> list[Category]:
    """Find up to `limit` categories that match every word of `query`, the nearest first.

    Searches names in both languages, paths and ids. Ignores accents, case and word order, and matches the
    beginning of a word. Names count for more than paths; of equally near categories the one with the
    shorter names comes first. A query without a word finds nothing.
    """
    query = query[:MAX_QUERY]
    words, wanted_id = plain_words(query), query.strip().lower()
    if not words:
        return []
    found = []
    for place, (names, path) in enumerate(taxonomy.search_texts):
        category_id = str(taxonomy.categories[place].category_id).lower()
        distance = EXACT_ID if category_id == wanted_id else _sum(words, names, path, category_id)
        if distance < NO_MATCH:
            found.append((distance, len(names), place))
    return [taxonomy.categories[place] for *_, place in sorted(found)[:limit]]


def _sum(words: list[str], names: str, path: str, category_id: str) -> int:
    total = 0
    for word in words:
        total += _distance(word, names, path, category_id)
        if total >= NO_MATCH:
            break
    return total


def _distance(word: str, names: str, path: str, category_id: str, singular: bool = False) -> int:
    """Return how far a word is from a category: 0 for a whole word of a name, `NO_MATCH` for no match."""
    start = f" {word}"
    if start in names:
        return 0 if f"{start} " in names else 1
    if start in path:
        return 2 if f"{start} " in path else 3
    if word in names:
        return 4
    if len(word) >= MIN_DIGITS and category_id.startswith(word):
        return 0
    if word.endswith("s") and len(word) > MIN_DIGITS and not singular:  # a plural, in both languages
        return 1 + _distance(word[:-1], names, path, category_id, singular=True)
    return NO_MATCH
