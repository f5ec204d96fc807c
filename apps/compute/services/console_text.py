"""Console output as text that is safe to print: a guest writes it, a user's terminal shows it."""

import re

# ECMA-48: strings (titles, clipboards, device controls), control sequences but colours, other escapes, controls.
_STRINGS = re.compile(r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?")
_SEQUENCES = re.compile(r"(?:\x1b\[|\x9b)(?:[0-9;:]*(?P<colour>m)|[0-?]*[ -/]*[@-~])")
_ESCAPES = re.compile(r"\x1b(?!\[[0-9;:]*m)[ -/]*[0-~]?")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")


def clean(raw: bytes, *, cut: bool) -> str:
    """Return the text without terminal control sequences except colours. ``cut``: the first line lost its beginning."""
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n")
    if cut and "\n" in text:
        text = text.partition("\n")[2]
    text = _STRINGS.sub("", text)
    text = _SEQUENCES.sub(lambda match: match[0] if match["colour"] and match[0][0] == "\x1b" else "", text)
    return _CONTROLS.sub("", _ESCAPES.sub("", text))
