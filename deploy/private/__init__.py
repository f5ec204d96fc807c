"""Parts of a machine that tests and benchmarks run beside the machine's own: a libvirt, and a host under OVN."""
