"""Faults for users: the reason, and advice. No host is named."""

from apps.compute.actions import CREATE, RETRY
from apps.workflow import states

# Causes that stay until the user asks for something else: the engine's words, the drivers' codes, a refusal's kind.
_CHANGE = {
    "NoValidHost": "",  # the scheduler gives its own advice
    states.BY_OPERATOR: "Ask your operator why, before you try again.",
    "SignatureUnverified": "Leave trusted_image_certificates out.",
    "image_corrupt": "Upload the image again.",
    "image_unsafe": "Use another image.",
    "disk_too_small": "Choose a flavor with a larger disk.",
    "impossible_server": "Choose another flavor or another image.",
    "spec_invalid": "Choose another flavor or another image.",
    "port_invalid": "Give the port an address of its network.",
    "IpAddressGenerationFailure": "Release addresses of that network, or choose another network.",
    "RequestedNetworkNotFound": "Choose an existing network.",
    "RequestedPortNotFound": "Choose an existing port.",
    "PortInUse": "Choose an unused port.",
    "FixedIpInUse": "Choose another address.",
    "OverQuota": "Delete what you do not need, or ask your operator for a larger quota.",
    "QuotaExceeded": "Delete what you do not need, or ask your operator for a larger quota.",
}
_OPERATOR = "if it fails again, send your operator the request id from the server's events."


def with_advice(*, action: str, cause: str, message: str) -> str:
    """Return ``message`` with advice for the user: change the request, or try again."""
    reason = message.strip() or "It failed; no reason was recorded."
    if reason[-1] not in ".!?":
        reason += "."
    advice = _CHANGE.get(cause)
    if advice is None:
        is_build = action in (CREATE, RETRY.name)
        advice = f"{'Delete the server and create it again' if is_build else 'Try again'}; {_OPERATOR}"
    return f"{reason} {advice}".strip()
