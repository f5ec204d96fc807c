"""Ceph clusters as a host reaches them: pools' access, and the processes that work in them. No driver's words."""
