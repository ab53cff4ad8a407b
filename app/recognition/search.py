"""Find a category by what people call it, its department or its number."""

from app.recognition.limits import MAX_QUERY
from app.recognition.taxonomy import Category, Taxonomy
from app.recognition.words import SearchText, forms, plain_words

EXACT_ID, EXACT, SAME_WORDS, NO_MATCH = -3, -2, -1, 1000  # distances
MIN_DIGITS = 3  # of an id; fewer match too many ids


def search(taxonomy: Taxonomy, query: str, limit: int) -> list[Category]:
    """Find up to `limit` categories that match every word of `query`, the nearest first.

    Searches names, synonyms and paths in both languages, and ids. Ignores accents, case, word order and
    plurals. Whole words are nearer than their beginnings, and names nearer than synonyms. In a path only
    whole words match: the name of a department finds all in it. Of equally near categories the one with the
    shorter names comes first. A query without a word finds nothing.
    """
    query = query[:MAX_QUERY]
    words, wanted_id = plain_words(query), query.strip().lower()
    if not words:
        return []
    phrase = " ".join(words)
    same_phrase = forms(phrase)
    found = []
    for place, text in enumerate(taxonomy.search_texts):
        category_id = str(taxonomy.categories[place].category_id).lower()
        if category_id == wanted_id:
            distance = EXACT_ID
        elif same_phrase.isdisjoint(text.phrases):
            distance = _sum(words, text, category_id)
        else:
            distance = EXACT if phrase in text.phrases else SAME_WORDS
        if distance < NO_MATCH:
            found.append((distance, len(text.names), place))
    return [taxonomy.categories[place] for *_, place in sorted(found)[:limit]]


def _sum(words: list[str], text: SearchText, category_id: str) -> int:
    total = 0
    for word in words:
        total += _distance(word, text, category_id)
        if total >= NO_MATCH:
            break
    return total


def _distance(word: str, text: SearchText, category_id: str) -> int:
    """Return how far a word is from a category: 0 for a whole word of a name, `NO_MATCH` for no match."""
    start, same = f" {word}", forms(word)
    if not same.isdisjoint(text.name_words) or (len(word) >= MIN_DIGITS and category_id.startswith(word)):
        return 0
    if not same.isdisjoint(text.synonym_words):
        return 1
    if start in text.names:
        return 2
    if start in text.synonyms:
        return 3
    if not same.isdisjoint(text.path_words):
        return 4
    return 5 if word in text.names else NO_MATCH
