"""Static files under hashed names and compressed, as WhiteNoise serves them for a year."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):
    """Takes what stylesheets and scripts of packages name and do not bring along (source maps) for what it is."""

    manifest_strict = False
    keep_only_hashed_files = False  # paths without a hash stay good: some packages build them in scripts

    def hashed_name(self, name, content=None, filename=None):  # type: ignore[no-untyped-def]
        """Return the name with its hash; the name itself of a file that is not there."""
        try:
            return super().hashed_name(name, content, filename)
        except ValueError:
            return name
