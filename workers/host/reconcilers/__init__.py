"""An agent's reconcilers: power states, domains and files, ports and DHCP, the image cache.

Every module opens with its rules as sets. The host is listed before the rows are read, because rows are written first
and removed last. A difference counts when it is still there under the server's locks with no run under way; servers
with one are left to it.
"""
