"""Tables: captions in their cells, and parts on following pages."""

from __future__ import annotations

from neo_assets.documents.markdown.tables import without_caption
from neo_assets.documents.model import Box, Element
from neo_assets_tests.documents.markdown.pages import block, composed, element, line, page

HEAD = "<tr><td>Name</td><td>Size</td></tr>"


def table(number: int, rows: str, x1: float = 300) -> Element:
    return Element(number, "table", Box(50, 100, x1, 200), 0.9, "layer", html=f"<table><tbody>{rows}</tbody></table>")


def row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def test_a_caption_comes_out_of_the_first_row() -> None:
    html = '<table><thead><tr><td colspan="2">Table 1. Sizes</td></tr></thead><tbody>' + HEAD + row("a", "1")
    caption, rest = without_caption(html + "</tbody></table>")
    assert caption == "Table 1. Sizes"
    assert rest == "<table><tbody>" + HEAD + row("a", "1") + "</tbody></table>"


def test_other_first_rows_stay() -> None:
    for first in (HEAD, row("Table 1. Sizes", "x"), '<tr><td colspan="2">All sizes</td></tr>'):
        html = f"<table>{first}{HEAD}{row('a', '1')}</table>"
        assert without_caption(html) == ("", html)


def test_a_table_goes_on_on_the_next_page() -> None:
    first, second = table(0, HEAD + row("a", "1")), table(0, HEAD + row("b", "2"))
    found = composed(page([first]), page([second], 2))
    assert found.markdown == "<table><tbody>" + HEAD + row("a", "1") + "</tbody>" + "<tbody>" + row("b", "2") + (
        "</tbody></table>"
    )
    assert [(place.page) for place in found.blocks[0].places] == [1, 2]


def test_footnotes_may_stand_between_and_text_may_not() -> None:
    first, second = table(0, HEAD + row("a", "1")), table(0, row("b", "2"))
    note = block(1, ["1 A note."], 700, "footnote")
    assert composed(page([first, note]), page([second], 2)).markdown.count("<table>") == 1
    text = block(1, ["Some words that stand between."], 700)
    assert composed(page([first, text]), page([second], 2)).markdown.count("<table>") == 2


def test_other_tables_are_others() -> None:
    first = table(0, HEAD + row("a", "1"))
    for second in (table(0, row("b", "2", "3")), table(0, row("b", "2"), x1=200)):
        assert composed(page([first]), page([second], 2)).markdown.count("<table>") == 2
    caption = element(1, [line("Table 2. Others", 80)], "table_caption", caption_of=0)
    captioned = page([caption, table(0, row("b", "2"))], 2)
    assert composed(page([first]), captioned).markdown.count("<table>") == 2


def test_a_text_in_a_frame_is_no_table() -> None:
    framed = table(0, row("Take care. It is hot.")).with_(lines=(line("Take care. It is hot.", 110),))
    assert composed(page([framed])).markdown == "Take care. It is hot."
