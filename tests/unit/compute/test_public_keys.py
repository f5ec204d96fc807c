"""Public keys: fingerprints as OpenSSH prints them, generated pairs that OpenSSH accepts."""

import shutil
import subprocess
from pathlib import Path

import pytest

from apps.compute import public_keys
from apps.compute.exceptions import KeyPairInvalid

KEYGEN = shutil.which("ssh-keygen")


@pytest.mark.skipif(KEYGEN is None, reason="ssh-keygen is not installed")
@pytest.mark.parametrize("options", [["-t", "rsa", "-b", "2048"], ["-t", "ed25519"], ["-t", "ecdsa", "-b", "521"]])
def test_fingerprints_are_those_of_ssh_keygen(tmp_path: Path, options: list[str]) -> None:
    path = tmp_path / "key"
    subprocess.run([str(KEYGEN), "-q", "-N", "", "-f", str(path), *options], check=True)
    told = subprocess.run(
        [str(KEYGEN), "-l", "-E", "md5", "-f", f"{path}.pub"], check=True, capture_output=True, text=True
    )
    made = public_keys.parse(kind="ssh", text=path.with_suffix(".pub").read_text())
    assert f"MD5:{made.fingerprint}" == told.stdout.split()[1]


@pytest.mark.skipif(KEYGEN is None, reason="ssh-keygen is not installed")
def test_openssh_reads_a_generated_key(tmp_path: Path) -> None:
    made = public_keys.generate(kind="ssh", user="u")
    path = tmp_path / "key"
    path.write_text(made.private_key or "")
    path.chmod(0o600)
    told = subprocess.run([str(KEYGEN), "-y", "-f", str(path)], check=True, capture_output=True, text=True)
    assert told.stdout.split()[:2] == made.public_key.split()[:2]


def test_secrets_are_not_in_the_repr() -> None:
    assert "PRIVATE" not in repr(public_keys.generate(kind="ssh", user="u"))


@pytest.mark.parametrize("text", ["", "\n", "ssh-rsa AAAA\nssh-rsa AAAA", "ssh-dss AAAA", "a" * 20000])
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(KeyPairInvalid):
        public_keys.parse(kind="ssh", text=text)
    with pytest.raises(KeyPairInvalid):
        public_keys.parse(kind="x509", text=text)
