"""The report of hosts that reported the usage of their servers: none does."""

from datetime import datetime

from apps.scheduling.selectors import hosts

FORM = "%Y-%m-%d %H:%M:%S"


def render(before: datetime) -> dict[str, object]:
    """Return the report of the last whole month before a moment, Nova's usual period."""
    ending = before.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    month, year = (ending.month - 1, ending.year) if ending.month > 1 else (12, ending.year - 1)
    names = sorted(host.name for host in hosts.all_hosts())
    return {
        "period_beginning": ending.replace(month=month, year=year).strftime(FORM),
        "period_ending": ending.strftime(FORM),
        "num_hosts": len(names),
        "num_hosts_done": 0,
        "num_hosts_running": 0,
        "num_hosts_not_run": len(names),
        "hosts_not_run": names,
        "total_instances": 0,
        "total_errors": 0,
        "overall_status": f"0 of {len(names)} hosts done. 0 errors.",
        "log": {},
    }
