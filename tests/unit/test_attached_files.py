"""What attached bytes are, and what is made of them: by themselves, within limits, whatever their name says."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile

import pytest

from lam_app.attachments import files
from lam_app.attachments.exceptions import AttachmentRefused
from lam_app.attachments.files import Read, Upload, read, read_all
from tests.support.files import NOTE, TABLE, jpeg, pdf, png


def made(data: bytes, name: str = "file.bin") -> Read:
    return read(Upload(name, data))


def refused(data: bytes, name: str = "file.bin") -> str:
    with pytest.raises(AttachmentRefused) as found:
        made(data, name)
    return found.value.message


def zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "kind", "media"),
    [
        (NOTE, "text", "text/plain"),
        (TABLE, "csv", "text/csv"),
        (TABLE.replace(b",", b";"), "csv", "text/csv"),
        (b'{"order": 1009}', "text", "text/plain"),
        (b"MZ is how this note begins", "text", "text/plain"),
        (pdf(), "pdf", "application/pdf"),
        (png(), "image", "image/png"),
        (jpeg(), "image", "image/jpeg"),
    ],
)
@pytest.mark.parametrize("name", ["orders.csv", "picture.png", "scan.pdf", "no extension"])
def test_the_bytes_say_what_a_file_is_and_the_name_says_nothing(data: bytes, kind: str, media: str, name: str) -> None:
    found = made(data, name)
    assert (found.kind, found.media, found.name, found.data) == (kind, media, name, data)


def test_the_text_of_a_document_is_read() -> None:
    found = made(pdf("Refund 20.00 to order 1009"))
    assert found.text.strip() == "Refund 20.00 to order 1009"
    assert found.notes == ("A document of 1 page.",)


def test_a_document_that_acts_is_said_to_and_one_without_text_too() -> None:
    acting = made(pdf(more="/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>"))
    assert "It holds scripts or actions" in " ".join(acting.notes)
    assert "may be a scan" in " ".join(made(pdf(stream=b"0 0 m 10 10 l S")).notes)


def test_a_document_that_unfolds_into_gigabytes_is_refused_within_its_limits() -> None:
    bomb = pdf(stream=b"BT /F1 12 Tf (a) Tj ET " + b" " * 300_000_000)
    assert len(bomb) < 400_000
    assert "unfolds into more than can be read" in refused(bomb)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"%PDF-1.7 and nothing more", "cannot be read"),
        (pdf()[:300], "cannot be read"),
        (pdf() + zipped(), "something else behind its end"),
        (b"<html>" + pdf(), "could be read as a document and as something else"),
        (png() + b"<script>alert(1)</script>", "something else behind its end"),
        (jpeg() + zipped(), "something else behind its end"),
        (png()[:-9], "cut off"),
        (jpeg()[:40], "cut off"),
        (jpeg()[:-1], "cut off"),
        (png(said=(60_000, 60_000)), "too many"),
        (png(said=(0, 4)), "none"),
        (zipped(), "archive or an office document"),
        (b"GIF89a\x01\x00", "GIF"),
        (b"\x7fELF\x02\x01", "program"),
        (b"MZ\x90\x00\x03\x00", "program"),
        (b"\x1f\x8b\x08\x00", "compressed"),
        (b"a\x00b", "neither text"),
        (b"\x1b]52;c;aGk=\x07", "neither text"),
        (bytes(range(128, 256)) + b"\x00", "neither text"),
        (b"", "empty"),
        (b" \n\t ", "no text"),
    ],
)
def test_what_is_not_one_of_them_alone_and_whole_is_refused_and_said_why(data: bytes, why: str) -> None:
    said = refused(data, "innocent.txt")
    assert said.startswith("innocent.txt ")
    assert why in said


def test_t56_cells_that_begin_like_a_formula_are_counted_and_kept_as_they_are() -> None:
    found = made(b'what,much\n=HYPERLINK("http://x"),-5\n@SUM(A1),+1.5\n"-cmd|calc",-2%\n')
    assert found.kind == "csv"
    assert "3 cells begin like a formula" in " ".join(found.notes)
    assert "=HYPERLINK" in found.text


def test_a_table_beyond_the_limits_is_refused() -> None:
    wide = ",".join(["x"] * 10_000)
    assert "10,000 columns" in refused(f"{wide}\n{wide}\n".encode())
    assert "more than 20,000 rows" in refused(b"a,b\n" * 20_001)
    assert "a cell of more than" in refused(b'a,b\nc,"' + b"d" * 10_001 + b'"\n')
    assert "cannot be read as a table" in refused(b'a,b\nc,"' + b"d" * 200_000 + b'"\n')


def test_t84_cells_of_blanks_hold_up_nobody() -> None:
    """In a process of its own, which the system ends where it takes a thousand times as long as it should."""
    asked = (
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (60, 60))\n"
        "from lam_app.attachments import tables\n"
        "cells = [head + ' ' * 9990 + 'x' for head in ('+', '-1', '-1e5', '+ ' + chr(39) * 2)]\n"
        "print(tables.read('a,b\\n' + ''.join(f'{cell},{cell}\\n' for cell in cells * 17))[1:])"
    )
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert "136 cells begin like a formula" in found.stdout


def test_ragged_rows_are_told() -> None:
    rows = b"a,b\n" * 25 + b"a,b,c\n"
    assert "another number of columns" in " ".join(made(rows).notes)


def test_other_encodings_are_read_and_said() -> None:
    assert made("Grüße".encode("utf-16")).text == "Grüße"
    assert made(b"\xef\xbb\xbfplain").text == "plain"
    found = made("Grüße aus Köln".encode("cp1252"))
    assert (found.text, "Windows-1252" in found.notes[0]) == ("Grüße aus Köln", True)


def test_what_nobody_sees_is_told() -> None:
    assert "2 characters that nobody sees" in " ".join(made("pay \u202eevil\u200b now".encode()).notes)


def test_a_long_text_is_cut_to_what_can_be_looked_through_and_says_so() -> None:
    found = made(b"word " * 20_000)
    assert len(found.text) == files.LONGEST_TEXT
    assert "Only its first 60,000 of 100,000 characters" in found.notes[-1]


@pytest.mark.parametrize(
    ("name", "kept"), [("../../etc/passwd", "passwd"), (r"C:\temp\a.txt", "a.txt"), ("  b.txt ", "b.txt")]
)
def test_a_name_is_the_last_part_of_a_path(name: str, kept: str) -> None:
    assert made(NOTE, name).name == kept


@pytest.mark.parametrize("name", ["", "..", "a/", "x" * 121, "a\nb.txt", "gpj.\u202etxt", "a\u200b.txt", "a\x00"])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    assert "name" in refused(NOTE, name)


def test_the_files_of_one_goal_have_a_number_and_a_size() -> None:
    with pytest.raises(AttachmentRefused, match="5 are the most"):
        read_all([Upload(f"{n}.txt", NOTE) for n in range(6)])
    with pytest.raises(AttachmentRefused, match="1,400,000 bytes"):
        read_all([Upload(f"{n}.txt", b"x" * 900_000) for n in range(2)])
