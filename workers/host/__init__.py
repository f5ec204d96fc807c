"""The per-host agent: registration, heartbeat, inventory, hypervisor events, recovery."""
