"""The words by which a search engine for photos finds a category and not its namesakes."""

import re

from app.recognition.taxonomy import Category

# By slug, where the English name alone finds something else: football is American football to many, a table
# is also one of numbers, and whoever writes "camera" often means the one that took the photo.
WORDS = {
    "apron": "kitchen apron",
    "baseball": "baseball ball",
    "basketball": "basketball ball",
    "beaker": "glass beaker laboratory",
    "bed": "bed furniture",
    "beer": "beer bottle",
    "belt": "leather belt",
    "board-game": "board game",
    "bonsai": "potted plant",
    "cake": "cake dessert",
    "camera": "camera lens product",
    "candy": "candy sweets",
    "cereal": "breakfast cereal",
    "chips": "potato chips",
    "chocolate": "chocolate bar",
    "compass": "magnetic compass",
    "cooking-oil": "oil bottle",
    "dinnerware": "dinner plate",
    "dress": "dress clothing",
    "drum": "drum instrument",
    "face-care": "face cream",
    "face-makeup": "makeup powder",
    "flour": "flour bag",
    "flute": "flute instrument",
    "football": "soccer ball",
    "heels": "high heels shoes",
    "hockey-puck": "hockey puck",
    "honey": "honey jar",
    "inline-skates": "roller skates",
    "jacket": "jacket clothing",
    "jam": "jam jar",
    "juice": "juice bottle",
    "laptop-bag": "laptop bag",
    "milk": "milk bottle",
    "monitor": "computer monitor",
    "nuts": "nuts food",
    "pasta": "pasta package",
    "piano": "piano instrument",
    "pitcher": "water jug",
    "projector": "video projector",
    "refrigerator": "refrigerator kitchen",
    "rice": "rice bag",
    "ring": "ring jewelry",
    "shirt": "dress shirt",
    "shorts": "shorts clothing",
    "skirt": "skirt clothing",
    "soda": "soda can",
    "sports-shoes": "running shoes",
    "statue": "figurine",
    "storage-chest": "wooden chest furniture",
    "sugar": "sugar package",
    "tabla": "tabla drums",
    "table": "table furniture",
    "tea": "tea box",
    "tomato-sauce": "tomato sauce",
    "travel-bag": "duffel bag",
    "trumpet": "trumpet instrument",
    "vinegar": "vinegar bottle",
    "volleyball": "volleyball ball",
    "water": "water bottle",
    "weight-machine": "weight machine gym",
    "women-top": "blouse",
    "wrench": "wrench tool",
    "yoghurt": "yogurt cup",
}


def search_words(category: Category) -> str:
    """Return what to search for: "Wristwatch", of "Mug / cup" the first, of "Ring" also a word to tell which.

    A category of a network trained on Cdiscount's whole tree has a French name only.
    """
    return WORDS.get(category.slug) or re.split(r" / |, | \(", category.name_en)[0].strip().lower()
