"""Link photos into a folder that keeps whole data sets unseen: none of their photos in train, all in val.

PYTHONPATH=. python bench/experiments/unseen_sources.py DATA OUT SOURCE...

`flask train --data OUT` then measures, by data set, how a recipe does on photos from shops that it never saw.
Categories that the other data sets hardly show are left out: a network that knows one of them only from an
unseen data set takes all similar photos for it.
"""

import csv
import sys
from collections import Counter
from pathlib import Path

from app.data.dataset import source_of

ENOUGH = 20  # photos in other data sets to learn a category from


def main(data: Path, out: Path, unseen: set[str]) -> None:
    """Link the photos, and write the taxonomy of the remaining categories."""
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
