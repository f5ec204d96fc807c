"""A lab: several compute hosts on one machine, each in namespaces of its own, joined as further machines are."""
