"""The Linux driver: bridges by netlink, rules by nftables, DHCP and DNS by dnsmasq."""
