"""A process computes on the cores it may use, no more than its container has time for."""

import os
from pathlib import Path

import pytest

from app.recognition.cores import usable_cores
from app.settings import Settings

V2 = "0::{}\n"
MAX = "sys/fs/cgroup/cpu.max"
V1 = "5:memory:/elsewhere\n3:cpu,cpuacct:{}\n0::/\n"


@pytest.fixture(autouse=True)
def large_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)


def fake(root: Path, groups: str, files: dict[str, str]) -> Path:
    """Write what Linux says of the groups of this process and of their quotas."""
    for name, text in {"proc/self/cgroup": groups, **files}.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def version_1(folder: str, quota: int) -> dict[str, str]:
    top = f"sys/fs/cgroup/cpu,cpuacct/{folder}"
    return {f"{top}cpu.cfs_quota_us": f"{quota}\n", f"{top}cpu.cfs_period_us": "100000\n"}


@pytest.mark.parametrize(("groups", "files", "cores"), [
    pytest.param(V2.format("/"), {MAX: "200000 100000\n"}, 2, id="container"),
    pytest.param(V2.format("/"), {MAX: "max 100000\n"}, 64, id="no quota"),
    pytest.param(V2.format("/"), {MAX: "150000 100000\n"}, 2, id="a core and a half"),
    pytest.param(V2.format("/"), {MAX: "10000 100000\n"}, 1, id="a tenth of a core"),
    pytest.param(V2.format("/"), {MAX: "9900000 100000\n"}, 64, id="more than there is"),
    pytest.param(V2.format("/"), {}, 64, id="outside of a container"),
    pytest.param(
        V2.format("/system.slice/site.service"),
        {"sys/fs/cgroup/system.slice/site.service/cpu.max": "400000 100000\n"}, 4, id="systemd's CPUQuota"),
    pytest.param(
        V2.format("/a/b"),
        {"sys/fs/cgroup/a/b/cpu.max": "800000 100000\n", "sys/fs/cgroup/a/cpu.max": "300000 100000\n"}, 3,
        id="a group within a smaller one"),
    pytest.param(V1.format("/"), version_1("", 200_000), 2, id="version 1"),
    pytest.param(V1.format("/"), version_1("", -1), 64, id="version 1 without a quota"),
    pytest.param(V1.format("/docker/1"), version_1("", 200_000), 2, id="version 1, named as on the host"),
    pytest.param(V1.format("/docker/1"), version_1("docker/1/", 200_000), 2, id="version 1 on the host"),
    pytest.param(V2.format("/../.."), {MAX: "200000 100000\n"}, 2, id="beyond its namespace"),
])  # fmt: skip
def test_the_cores_are_no_more_than_the_quota_of_the_control_groups(
    tmp_path: Path, groups: str, files: dict[str, str], cores: int
) -> None:
    assert usable_cores(fake(tmp_path, groups, files)) == cores


def test_without_control_groups_all_cores_on_which_the_process_may_run_count(tmp_path: Path) -> None:
    assert usable_cores(tmp_path) == 64


@pytest.mark.parametrize(("workers", "cores"), [(1, 64), (3, 21), (100, 1)])
def test_the_workers_of_a_site_share_the_cores_out(
    monkeypatch: pytest.MonkeyPatch, workers: int, cores: int
) -> None:
    monkeypatch.setattr("app.settings.usable_cores", lambda: 64)
    assert Settings(web_concurrency=workers).cores == cores
