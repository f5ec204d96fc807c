"""Open vSwitch and OVN under the supervisor: their databases, daemons, chassis, and the machine's external network.

Everything is in `<state>/ovn`: `central` holds the northbound and southbound databases, `host` this machine's Open
vSwitch. Nothing of a system Open vSwitch is read or written, and no service of Debian's packages is started.
"""
