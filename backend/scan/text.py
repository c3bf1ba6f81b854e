"""Bytes to text, the same for scoring, training and the preview."""

import codecs
import re

TEXT_FORMAT = "plain-1"
"""Name of what `decode` makes, kept with what is computed from it: no byte order mark, line ends \\n, nothing added."""
SIGNATURES = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"%PDF-",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"7z\xbc\xaf\x27\x1c",
    b"\x28\xb5\x2f\xfd",
    b"Rar!\x1a\x07",
    b"\x7fELF",
    b"MZ\x90\x00",
    b"\xca\xfe\xba\xbe",
    b"\xcf\xfa\xed\xfe",
    b"\x00asm",
    b"SQLite format 3\x00",
    b"OggS",
    b"ID3",
    b"RIFF",
    b"wOFF",
    b"wOF2",
    b"!<arch>\n",
    b"\x00\x01\x00\x00",
    b"OTTO",
    b"BM\x36",
    b"II*\x00",
    b"MM\x00*",
    b"\xd0\xcf\x11\xe0",
)
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
MOST_CONTROL = 0.01
"""Share of characters that may be control characters in a text that is no valid UTF-8."""


def is_binary(data: bytes) -> bool:
    """NUL bytes, unless a mark says that it is UTF-16 or UTF-32, or the signature of a binary format."""
    if data.startswith(SIGNATURES):
        return True
    return b"\x00" in data and not any(data.startswith(mark) for mark, _ in MARKS[1:])


def decode(data: bytes) -> str | None:
    """The text of a file: UTF-8, UTF-16 and UTF-32 with a mark, or Windows-1252. None where none of them fits."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            try:
                return plain(data[len(mark) :].decode(encoding))
            except UnicodeDecodeError:
                return None
    try:
        return plain(data.decode("utf-8"))
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        return None
    if len(CONTROL.findall(text)) > MOST_CONTROL * len(text):
        return None
    return plain(text)


def plain(text: str) -> str:
    """Text as models read it, from a file or from a client: line ends \\n, no byte order mark, all else as it is."""
    text = text.removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
