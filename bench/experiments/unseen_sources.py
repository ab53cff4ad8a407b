"""Link a folder of photos in which whole data sets are unseen: none of their photos in train, all in val.

PYTHONPATH=. python bench/experiments/unseen_sources.py DATA OUT SOURCE...

What `flask train --data OUT` makes of it tells by data set how a recipe does on photos of shops that it never
saw. Categories that the other data sets hardly show are left out: a network that knows one of them from an
unseen data set alone takes all photos like those for it.
"""

import csv
import sys
from collections import Counter
from pathlib import Path

from app.data.dataset import source_of

ENOUGH = 20  # photos of other data sets to learn a category from


def main(data: Path, out: Path, unseen: set[str]) -> None:
    """Link the photos, and write the taxonomy without the categories left out."""
    photos = sorted(data.glob("train/*/*.jpg")) + sorted(data.glob("val/*/*.jpg"))
    trained = Counter(
        path.parent.name for path in photos if path.parts[-3] == "train" and source_of(path) not in unseen
    )
    for path in photos:
        split, slug, source = path.parts[-3], path.parent.name, source_of(path)
        if trained[slug] >= ENOUGH:
            number = path.stem.removeprefix(source + "-")
            link = out / ("val" if source in unseen else split) / slug / f"{source}-{split}{number}.jpg"
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.resolve())
    (out / "not_product").symlink_to((data / "not_product").resolve())
    with (data / "taxonomy.csv").open() as whole, (out / "taxonomy.csv").open("w") as part:
        rows = csv.DictReader(whole)
        writer = csv.DictWriter(part, rows.fieldnames or ())
        writer.writeheader()
        writer.writerows(row for row in rows if trained[row["slug"]] >= ENOUGH)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), set(sys.argv[3:]))
