"""Servers' disks as images of a Ceph cluster's block devices (RBD), which every host sees."""
