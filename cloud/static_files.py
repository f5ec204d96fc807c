"""Static files under hashed names and compressed, as WhiteNoise serves them for a year."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Tolerates missing files that packages' stylesheets and scripts refer to (source maps)."""

    manifest_strict = False
    keep_only_hashed_files = False  # paths without a hash stay good: some packages build them in scripts

    def hashed_name(self, name, content=None, filename=None):  # type: ignore[no-untyped-def]
        """Return the name with its hash, or the name itself if the file does not exist."""
        try:
            return super().hashed_name(name, content, filename)
        except ValueError:
            return name
