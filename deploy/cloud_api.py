"""A small client of the cloud's own HTTP API: signs in from clouds.yaml and asks for JSON."""

from pathlib import Path
from typing import Any

import requests
import yaml

from deploy.errors import DeployError


def _domain(auth: dict[str, Any], owner: str) -> dict[str, str]:
    """Return the domain of the user or the project, by id or by name, whichever clouds.yaml gives."""
    if identity := auth.get(f"{owner}_domain_id"):
        return {"id": identity}
    return {"name": auth.get(f"{owner}_domain_name", "Default")}


def _version(microversion: str) -> dict[str, str]:
    """Return the header of a version: the compute service's, or that of the service which it names ("volume 3.42")."""
    named = microversion if " " in microversion else f"compute {microversion}"
    return {"OpenStack-API-Version": named} if microversion else {}


class CloudApi:
    """One user's session with the cloud, as `openstack --os-cloud NAME` has it."""

    def __init__(self, clouds_yaml: Path, name: str) -> None:
        try:
            auth = yaml.safe_load(clouds_yaml.read_text())["clouds"][name]["auth"]
        except (OSError, KeyError, TypeError, yaml.YAMLError) as error:
            raise DeployError(f"There is no cloud {name} in {clouds_yaml}.", hint="make up writes it.") from error
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy for this machine
        self._auth_url = auth["auth_url"].rstrip("/")
        self.root = self._auth_url.split("/identity")[0]
        self._sign_in(auth)

    def _sign_in(self, auth: dict[str, Any]) -> None:
        url = self._auth_url if self._auth_url.endswith("/v3") else f"{self._auth_url}/v3"
        domain, project_domain = _domain(auth, "user"), _domain(auth, "project")
        user = {"name": auth["username"], "password": auth["password"], "domain": domain}
        document = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"name": auth["project_name"], "domain": project_domain}},
            }
        }
        answer = self._send("POST", f"{url}/auth/tokens", json=document)
        self._session.headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]

    def _send(self, method: str, url: str, **arguments: Any) -> requests.Response:
        try:
            answer = self._session.request(method, url, timeout=60, **arguments)
        except requests.RequestException as error:
            raise DeployError(f"{method} {url}: no answer ({type(error).__name__}).", hint="make status") from error
        if answer.status_code >= 400:
            raise DeployError(f"{method} {url} was answered {answer.status_code}: {answer.text[:500]}")
        return answer

    def get(self, path: str, *, microversion: str = "", **parameters: Any) -> Any:
        """Return the JSON document at a path such as /compute/v2.1/servers."""
        return self._send("GET", self.root + path, params=parameters, headers=_version(microversion)).json()

    def post(self, path: str, document: dict[str, Any], *, microversion: str = "") -> requests.Response:
        """Send a document; raise DeployError with the service's own words when it is refused."""
        return self._send("POST", self.root + path, json=document, headers=_version(microversion))

    def put(self, path: str, document: dict[str, Any], *, microversion: str = "") -> Any:
        """Change what is at a path; return the answer's JSON document."""
        return self._send("PUT", self.root + path, json=document, headers=_version(microversion)).json()

    def delete(self, path: str) -> None:
        """Delete what is at a path; raise DeployError when that is refused."""
        self._send("DELETE", self.root + path)
