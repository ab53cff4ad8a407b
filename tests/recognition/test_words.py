"""Texts as searches compare them."""

import pytest

from app.recognition.words import fold_text, plain_words


@pytest.mark.parametrize(("text", "folded"), [
    ("Théière ÉMAILLÉE", "theiere emaillee"),
    ("Straße", "strasse"),
    ("BŒUF, curriculum vitæ", "boeuf, curriculum vitae"),
    ("茶壶 🫖 \ud800", "茶壶 🫖 "),
])  # fmt: skip
def test_folding_leaves_small_letters_without_accents_and_ligatures(text: str, folded: str) -> None:
    assert fold_text(text) == folded


def test_words_are_latin_letters_and_digits_without_signs() -> None:
    assert plain_words("Bœuf — n° 3, 茶壶!") == ["boeuf", "n", "3"]
