"""A visitor at the running site, and what the site has counted."""

import re

import requests
from live_site import LiveSite

CLASSIFIER = "/classify/"
TIMEOUT_SECONDS = 60


class Visitor:
    """A browser without script at the classifier of `url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = requests.Session()
        self.token = self._read(r'name="csrf_token" value="([^"]+)"')

    def upload(self, photo: bytes) -> requests.Response:
        return self.http.post(
            self.url + CLASSIFIER,
            data={"csrf_token": self.token},
            files={"image": ("a.jpg", photo)},
            allow_redirects=False,
            timeout=TIMEOUT_SECONDS,
        )

    def send(self, path: str, **fields: str) -> requests.Response:
        """Send a form that has no photo."""
        return self.http.post(
            self.url + path,
            data={"csrf_token": self.token, **fields},
            allow_redirects=False,
            timeout=TIMEOUT_SECONDS,
        )

    def answers(self) -> int:
        """Read how many answers the history holds."""
        return int(self._read(r'<span class="count">(\d+)</span>'))

    def get(self, path: str) -> requests.Response:
        return self.http.get(self.url + path, timeout=TIMEOUT_SECONDS)

    def _read(self, pattern: str) -> str:
        found = re.search(pattern, self.get(CLASSIFIER).text)
        assert found
        return found[1]


def metric(site: LiveSite, name: str) -> float:
    """Add up the numbers of the site whose name and labels begin so."""
    text = requests.get(f"{site.url}/metrics", timeout=TIMEOUT_SECONDS).text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))
