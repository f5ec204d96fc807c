"""What `make doctor` looks at: one module a thing, each with a `check(environment)` that gives findings.

A module is imported when its turn comes, so that those of the standard library alone work before `make up` did.
"""

NAMES = [
    "rights",
    "python",
    "packages",
    "cpu",
    "kvm",
    "libvirt",
    "nftables",
    "ovn",
    "ovn_plugging",
    "offloads",
    "external_network",
    "metadata",
    "certificates",
    "peers",
    "lab",
    "ports",
    "disk",
    "volumes",
    "backups",
    "memory",
    "clock",
    "guest_image",
    "settings",
    "database",
    "broker",
]
