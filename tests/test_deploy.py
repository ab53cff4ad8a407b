"""The examples in deploy/: their own tools accept them, and they name what the site really has."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import compose_spec
import kubernetes_validate
import pytest
import yaml
from helpers import program
from machines import write_nginx

from app.serving.__main__ import STOP_SECONDS
from app.settings import ROOT, Settings
from app.web import metrics

DEPLOY = ROOT / "deploy"
SHARED = {"WEB_CONCURRENCY", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PATH", "TMPDIR"}


def run(*command: str | Path) -> str:
    """Run a program and return what it says; it must say that all is well."""
    ended = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def resources() -> dict[str, Any]:
    """Read what deploy/kubernetes.yaml asks for, by kind."""
    found = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
    return {resource["kind"]: resource for resource in found}


def container() -> dict[str, Any]:
    [found] = resources()["Deployment"]["spec"]["template"]["spec"]["containers"]
    return dict(found)


def targets() -> list[dict[str, str]]:
    """Read what the dashboard asks Prometheus."""
    panels = json.loads((DEPLOY / "grafana.json").read_text())["panels"]
    return [target for panel in panels for target in panel["targets"]]


def test_nginx_accepts_its_configuration(tmp_path: Path) -> None:
    config = write_nginx(tmp_path, 8080, ["127.0.0.1:8001", "127.0.0.1:8002"])
    said = run(program("nginx"), "-t", "-p", tmp_path, "-e", "error.log", "-c", config)
    assert "[warn]" not in said


def test_caddy_accepts_its_configuration() -> None:
    run(program("caddy"), "validate", "--adapter", "caddyfile", "--config", DEPLOY / "Caddyfile")


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "site.service"
    text = (DEPLOY / "site.service").read_text()
    unit.write_text(text.replace("/srv/site/.venv/bin/python", sys.executable))
    assert run(program("systemd-analyze"), "verify", "--man=no", unit) == ""
    assert int(re.findall(r"TimeoutStopSec=(\d+)", text)[0]) > STOP_SECONDS


def test_hadolint_accepts_the_containerfile() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    run(hadolint, "--ignore", "DL3008", DEPLOY / "Containerfile")  # Debian keeps no older versions to pin


def test_compose_accepts_its_file() -> None:
    compose = compose_spec.PyCompose.from_yaml((DEPLOY / "compose.yaml").read_text())
    assert set(compose.service_names()) == {"nginx", "site", "redis"}
    with pytest.raises(ValueError, match="imagee"):
        compose_spec.PyCompose.from_yaml("services: {site: {imagee: a}}")


@pytest.mark.parametrize("kind", resources())
def test_kubernetes_accepts_the_resource(kind: str) -> None:
    kubernetes_validate.validate(resources()[kind], kubernetes_validate.latest_version(), strict=True)


def test_a_pod_that_ends_has_time_for_the_answers_in_flight() -> None:
    pod = resources()["Deployment"]["spec"]["template"]["spec"]
    pause = int(container()["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > pause + STOP_SECONDS


def test_the_examples_set_nothing_that_the_site_does_not_know() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["site"]["environment"]
    image = re.findall(r"^(?:ENV| {4})\s?([A-Z_]+)=", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)
    named = {*compose, *image, *resources()["ConfigMap"]["data"]}
    assert {name for name in named - SHARED if not hasattr(Settings, name.lower())} == set()
    assert {"HOST", "PORT", "INSTANCE", "TRUSTED_PROXIES", "REDIS_URL", "SECRET_KEY"} <= named


def test_the_image_and_kubernetes_agree_about_user_volume_and_port() -> None:
    image = (DEPLOY / "Containerfile").read_text()
    pod = resources()["Deployment"]["spec"]["template"]["spec"]
    user = pod["securityContext"]["runAsUser"]
    assert f"USER {user}:{pod['securityContext']['runAsGroup']}\n" in image
    assert f"VOLUME {container()['volumeMounts'][0]['mountPath']}\n" in image
    assert f"EXPOSE {container()['ports'][0]['containerPort']}\n" in image
    assert Settings.port == container()["ports"][0]["containerPort"]
    assert pod["securityContext"]["fsGroup"] == user


LABELLED = (
    (metrics.requests, ("none", "404")),
    (metrics.predictions, ("openvino", "network", "ok")),
    (metrics.unusable_photos, ("unreadable_image",)),
    (metrics.inference_seconds, ("openvino", "network")),
    (metrics.refused, ("overloaded",)),
    (metrics.source_outcomes, ("folder", "ok")),
    (metrics.degraded, ("history",)),
)


def test_the_dashboard_shows_every_metric_that_the_site_has_by_its_labels_and_no_other() -> None:
    for metric, labels in LABELLED:
        metric.labels(*labels)  # which counts nothing
    families = list(metrics.registry.collect())
    known = {sample.name: set(sample.labels) for family in families for sample in family.samples}
    used = set()
    for expression, legend in ((each["expr"], each["legendFormat"]) for each in targets()):
        [name] = set(re.findall(r"\bsite_\w+", expression))
        assert name in known
        used.add(re.sub("_(total|bucket)$", "", name))
        grouped = re.findall(r"by \(([^)]*)\)", expression)
        labels = {label for group in grouped for label in group.split(", ")}
        compared = set(re.findall(r"[{,](\w+)=", expression))
        assert labels | compared <= known[name] | {"instance", "job"}  # which Prometheus adds
        assert set(re.findall("{{(.+?)}}", legend)) <= labels
    assert used == {family.name for family in families}
