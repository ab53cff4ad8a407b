"""The files in which processes share their numbers: made whole or not at all, and none of the dead counts."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.web.metric_files import FOLDER, GAUGE, NAME, share_numbers


@pytest.fixture(autouse=True)
def nothing_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, "")  # restored afterwards
    monkeypatch.delenv(FOLDER)


def test_the_files_of_a_process_have_all_their_blocks(tmp_path: Path) -> None:
    share_numbers(tmp_path)
    assert os.environ[FOLDER] == str(tmp_path / NAME)
    files = list((tmp_path / NAME).iterdir())
    assert len(files) == 3
    assert all(file.stat().st_blocks * 512 >= file.stat().st_size > 0 for file in files)


def test_without_room_for_its_files_a_process_counts_by_itself_and_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    share_numbers(tmp_path)
    assert list((tmp_path / NAME).iterdir()) == []
    assert FOLDER not in os.environ
    assert "/metrics" in caplog.text


def test_what_a_process_had_in_hand_is_forgotten_when_it_has_ended(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / NAME).mkdir()
    for pid in (ended.pid, os.getppid()):
        for kind in ("counter", GAUGE):
            (tmp_path / NAME / f"{kind}_{pid}.db").touch()
    share_numbers(tmp_path)
    left = {file.name for file in (tmp_path / NAME).iterdir()}
    assert f"{GAUGE}_{ended.pid}.db" not in left
    assert left >= {f"counter_{ended.pid}.db", f"{GAUGE}_{os.getppid()}.db"}
