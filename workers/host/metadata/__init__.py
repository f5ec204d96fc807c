"""The metadata process of a host: answers guests at 169.254.169.254 and fe80::a9fe:a9fe. It loads no Django."""
