"""A lab: several compute hosts on one machine, each in separate namespaces, joined as further machines are."""
