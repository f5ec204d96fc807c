"""nftables: a table made and removed for a try."""

from deploy.checks.finding import SIMULATED, Finding, attempt, fail, ok
from deploy.environment import Environment

NAME = "celerity_doctor"
RULE = "add chain inet %s c { type nat hook postrouting priority 100; }; add rule inet %s c masquerade" % (NAME, NAME)  # noqa: UP031 - braces


def check(environment: Environment) -> Finding:
    if environment.simulated:
        return ok("not needed by simulated hosts")
    trouble = attempt("nft", f"add table inet {NAME}; {RULE}")
    attempt("nft", "delete", "table", "inet", NAME)
    if trouble:
        return fail(
            f"nft cannot masquerade: {trouble.splitlines()[0]}",
            f"Root, Debian's nftables, and the kernel's modules nf_tables and nft_masq, {SIMULATED}",
        )
    return ok("created and removed a table with masquerading")
