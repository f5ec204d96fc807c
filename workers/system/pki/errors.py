"""What goes wrong with certificates."""


class CertificateError(Exception):
    """An error of the cloud's certificates; its text is for the operator."""


class CertificateRefused(CertificateError):
    """The authority does not sign this request, or a host does not take this certificate."""


class NoAuthority(CertificateError):
    """The key that signs is not on this machine, or cannot be used."""
