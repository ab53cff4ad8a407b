import pytest

from app.recognition.taxonomy import Category, read_taxonomy
from app.settings import ROOT
from app.sources.words import WORDS, search_words

TAXONOMIES = sorted(ROOT.glob("weights/*/taxonomy.csv"))


def category(slug: str, name: str) -> Category:
    return Category(1, slug, "TOYS", "", "", name, name)


@pytest.mark.parametrize(
    ("slug", "name", "words"),
    [
        ("watch", "Wristwatch", "wristwatch"),
        ("mug", "Mug / cup", "mug"),
        ("games", "Board, domino and card games", "board"),
        ("face-paint", "Face make-up (foundation, powder)", "face make-up"),
        ("football", "Football (soccer ball)", "soccer ball"),
        ("tapis-1000012345", "TAPIS DE SOURIS", "tapis de souris"),
    ],
)
def test_a_category_is_searched_by_its_name_or_by_what_tells_it_from_namesakes(slug, name, words):
    assert search_words(category(slug, name)) == words


@pytest.mark.parametrize("path", TAXONOMIES, ids=lambda path: path.parent.name)
def test_every_category_of_a_network_that_ships_has_words_of_its_own(path):
    categories = read_taxonomy(path).categories
    words = [search_words(category) for category in categories]
    assert len(set(words)) == len(categories)
    assert all(words)


def test_all_words_belong_to_a_category():
    known = {category.slug for path in TAXONOMIES for category in read_taxonomy(path).categories}
    assert set(WORDS) <= known
