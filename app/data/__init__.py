"""Photos on disk: folders, and Kaggle's BSON files; what training and evaluation read."""
