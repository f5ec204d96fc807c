"""Connections between hosts: by TLS, with the certificates of the cloud's authority, and for one server at a time.

A host asks another one for a part of a server that moves between the two: a file, or a socket that QEMU or libvirt
listens on. Who may ask for what, the other host decides (`server.Admit`).
"""
