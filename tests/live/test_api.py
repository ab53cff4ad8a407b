"""The API of the running site is as its document says."""

from pathlib import Path

from api_fuzz import UNBOUND, try_api
from live_site import LiveSite


def test_the_site_answers_as_its_document_says(tmp_path: Path, small_weights: Path) -> None:
    with LiveSite(tmp_path / "instance", WEIGHTS=str(small_weights), **UNBOUND) as site:
        tried = try_api(site, "--phases", "examples,fuzzing", "--max-examples", "15", "--seed", "1")
        assert tried.returncode == 0, tried.stdout
        assert "Traceback" not in site.log()
