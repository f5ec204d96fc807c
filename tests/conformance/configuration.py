"""tempest.conf of one run: the file beside this one, with the addresses, ids and passwords of the private cloud."""

import configparser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
Options = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Target:
    """The cloud under test. ``identity_url`` ends before the version; ``image_url`` serves one small image by HTTP."""

    identity_url: str
    admin_password: str
    image_id: str
    image_id_alt: str
    network_id: str
    image_file: Path
    image_url: str


def write(directory: Path, target: Target, *overrides: Options) -> Path:
    """Write tempest.conf into a run's directory; later overrides win. Return its path."""
    parser = configparser.RawConfigParser()
    parser.read(HERE / "tempest.conf")
    for options in (_dynamic(directory, target), *overrides):
        for (section, key), value in options.items():
            if section != parser.default_section and not parser.has_section(section):
                parser.add_section(section)
            parser.set(section, key, value.replace("$", "$$"))  # oslo.config substitutes $name
    path = directory / "etc" / "tempest.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        parser.write(file)
    return path


def _dynamic(directory: Path, target: Target) -> dict[tuple[str, str], str]:
    return {
        ("DEFAULT", "log_dir"): str(directory / "log"),
        ("oslo_concurrency", "lock_path"): str(directory / "lock"),
        ("auth", "admin_password"): target.admin_password,
        ("identity", "uri"): f"{target.identity_url}/v2.0",
        ("identity", "uri_v3"): f"{target.identity_url}/v3",
        ("compute", "image_ref"): target.image_id,
        ("compute", "image_ref_alt"): target.image_id_alt,
        ("network", "public_network_id"): target.network_id,
        ("image", "http_image"): target.image_url,
        ("image", "http_qcow2_image"): target.image_url,
        ("scenario", "img_file"): str(target.image_file),
    }
