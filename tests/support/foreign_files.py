"""Files of kinds that are refused."""

from __future__ import annotations


def box(brand: bytes, *compatible: bytes, rest: bytes = b"") -> bytes:
    """Return the first box of a file in the base media format (ISO/IEC 14496-12, 4.3)."""
    return b"\0\0\0\x20ftyp" + brand + bytes(4) + b"".join(compatible) + rest


MAIL = b"Return-Path: <a@example.com>\r\nReceived: from there\r\n\tby here\r\nMIME-Version: 1.0\r\n\r\nsee the bill"

SAVED_PAGE = b"From: <Saved by Blink>\r\nSnapshot-Content-Location: https://example.com/\r\nMIME-Version: 1.0\r\n"

FOREIGN_FILES = {
    "AVIF": (box(b"avif", b"mif1"), "an AVIF picture"),
    "AVIF sequence": (box(b"avis", b"avif"), "an AVIF picture"),
    "AVIF as mif1": (box(b"mif1", b"avif", b"miaf"), "an AVIF picture"),
    "AVIF as msf1": (box(b"msf1", b"mif1", b"avis"), "an AVIF picture"),
    "AVIF by its items": (box(b"mif1", b"miaf", rest=b"meta\0\0\0\x15infe\x02\0\0\0\0\1\0\0av01\0"), "an AVIF picture"),
    "AVIF as heic": (box(b"heic", rest=b"meta\0\0\0\x15infe\x02\0\0\0\0\1\0\0av01\0"), "an AVIF picture"),
    "DNG": (b"II*\0\x08\0\0\0\x02\0" + b"\x12\xc6\x01\0\x04\0\0\0\x01\x04\0\0", "a raw photo"),
    "DNG of Motorola's order": (b"MM\0*\0\0\0\x08\0\x02" + b"\xc6\x12\0\x01\0\0\0\x04\x01\x04\0\0", "a raw photo"),
    "CR2": (b"II*\0\x10\0\0\0CR\2\0", "a raw photo"),
    "CR3": (box(b"crx ", b"isom"), "a raw photo"),
    "RAF": (b"FUJIFILMCCD-RAW 0201", "a raw photo"),
    "GIF": (b"GIF89a\1\0", "a GIF picture"),
    "BMP": (b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", "a BMP picture"),
    "PSD": (b"8BPS\0\1", "a Photoshop picture"),
    "JPEG XL": (b"\xff\x0a\xfa", "a JPEG XL picture"),
    "JPEG XL in boxes": (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
    "JPEG 2000": (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
    "JPEG 2000 code stream": (b"\xff\x4f\xff\x51\0", "a JPEG 2000 picture"),
    "SVG": (b'<?xml version="1.0"?>\n<!-- made -->\n<svg xmlns="x">', "an SVG drawing"),
    "bare SVG": (b"<svg>", "an SVG drawing"),
    "MP4": (box(b"isom", b"av01"), "a video"),
    "MOV": (box(b"qt  "), "a video"),
    "old MOV": (b"\0\0\1\0moov\0", "a video"),
    "3GP": (box(b"3gp5"), "a video"),
    "WebM": (b"\x1a\x45\xdf\xa3\x01", "a video"),
    "AVI": (b"RIFF\x24\0\0\0AVI LIST", "a video"),
    "DOCX": (b"PK\3\4\x14\0\6\0" + bytes(22) + b"[Content_Types].xml", "a Word, Excel or PowerPoint file"),
    "ODT": (b"PK\3\4" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.text", "an OpenDocument file"),
    "DOC": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Word, Excel or Outlook file"),
    "RTF": (b"{\\rtf1\\ansi", "an RTF document"),
    "ZIP": (b"PK\3\4\x14\0bill.pdf", "an archive"),
    "RAR": (b"Rar!\x1a\7", "an archive"),
    "HTML": (b"\xef\xbb\xbf\n<!DOCTYPE html><html>", "a web page"),
    "XHTML": (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC>', "a web page"),
    "web page with a drawing": (b"<html><body><svg>", "a web page"),
    "mail": (MAIL, "an e-mail or a saved web page"),
    "MHTML": (SAVED_PAGE, "an e-mail or a saved web page"),
}
