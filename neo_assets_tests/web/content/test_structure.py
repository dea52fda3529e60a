"""What of a page's structure stays in its text."""

from __future__ import annotations

import pytest

from neo_assets.web.content.maintext import main_text


def text_of(page: str) -> str:
    return main_text(f"<body><main>{page}</main>").text


def test_headings_keep_their_level_and_lose_their_permalink() -> None:
    page = '<h1>One<br>more <a class="headerlink" href="#one">¶</a></h1><p>a</p><h3><span>Three</span></h3><p>b</p>'
    assert text_of(page) == "# One more\n\na\n\n### Three\n\nb"


def test_a_heading_whose_list_of_links_was_left_out_goes_with_it() -> None:
    links = "<ul><li><a href=1>One</a><li><a href=2>Two</a><li><a href=3>Three</a></ul>"
    assert text_of(f"<h2>Text</h2><p>Words.</p><h2>See also</h2>{links}<h2>More</h2><p>End.</p>") == (
        "## Text\n\nWords.\n\n## More\n\nEnd."
    )


def test_lists_are_nested_by_indent_and_numbered() -> None:
    page = "<ul><li>a<ol start=3><li>x<li>y<ul><li>deep</ul></ol></li><li><p>b</p></li></ul><ol><li>1st</ol>"
    assert text_of(page) == "- a\n  3. x\n  4. y\n     - deep\n- b\n\n1. 1st"


def test_an_item_of_many_paragraphs_is_no_item() -> None:
    assert text_of("<ol><li>" + "<p>words</p>" * 9 + "</ol>").startswith("words\n\nwords")


def test_definition_lists_are_paragraphs() -> None:
    assert text_of("<dl><dt>term</dt><dd>what it means</dd></dl>") == "term\n\nwhat it means"


def test_a_data_table_has_rows_and_a_header_line() -> None:
    page = (
        "<table><caption>Years</caption><thead><tr><th>Year<th>Name<br>of it</thead>"
        "<tr><td>1900<td><p>Al</p><p>pha</p><tr><td colspan=2>both<tr><td>1<td>"
        "</table><p>After"
    )
    rows = "| Year | Name of it |\n| --- | --- |\n| 1900 | Al pha |\n| both |  |\n| 1 |  |"
    assert text_of(page) == f"Years\n\n{rows}\n\nAfter"


@pytest.mark.parametrize(
    "page",
    [
        "<table><tr><td>one</td></tr><tr><td>two</td></tr></table>",
        "<table><tr><td>one</td><td>two</td></tr></table>",
        "<table><tr><td><table><tr><td>one</table><tr><td><center>two</center></table>",
        "<table role='presentation'><tr><td>one<td><tr><td><td>two</table>",
        "<table><tr><th><img src=note.png alt=Note><th>one<tr><td colspan=2>two</table>",
    ],
)
def test_layout_tables_are_flattened(page: str) -> None:
    assert text_of(page) == "one\n\ntwo"


def test_a_table_of_long_cells_is_layout() -> None:
    page = f"<table><tr><td>{'a' * 500}<td>b<tr><td>c<td>d</table>"
    assert text_of(page) == "\n\n".join(("a" * 500, "b", "c", "d"))


CODE = "def f(x):\n    if x < 1:\n\n        return `x`"


@pytest.mark.parametrize(
    "page",
    [
        "<pre>def f(x):\n    if x &lt; 1:\n\n        return `x`\n</pre>",
        "<pre>def f(x):<br>    if x &lt; 1:<br><br>        return `x`</pre>",
        '<div class="highlight-python notranslate"><div class="highlight"><pre><span></span>'
        '<span class="linenos">1</span><span class="k">def</span> <span class="nf">f</span>(x):\n'
        '<span class="linenos">2</span>    <span>if</span> x <span>&lt;</span> 1:\n'
        '<span class="linenos">3</span>\n<span class="linenos">4</span>        return `x`\n'
        "</pre></div></div>",
        '<table class="highlighttable"><tr><td class="linenos"><div class="linenodiv"><pre>1\n2\n3\n4</pre></div></td>'
        '<td class="code"><pre>def f(x):\n    if x &lt; 1:\n\n        return `x`</pre></td></tr></table>',
        "<pre><div>def f(x):</div><div>    if x &lt; 1:</div><div>\n</div><div>        return `x`</div></pre>",
        "<pre>\ndef f(x):\n&nbsp;&nbsp;&nbsp;&nbsp;if x &lt; 1:\n\n        return `x`</pre>",
    ],
)
def test_code_keeps_its_indentation_and_loses_line_numbers(page: str) -> None:
    assert text_of(f"<p>See:</p>{page}<p>So.</p>") == f"See:\n\n```\n{CODE}\n```\n\nSo."


def test_a_fence_is_longer_than_those_in_the_code() -> None:
    assert text_of("<pre>```\ncode\n```</pre>") == "````\n```\ncode\n```\n````"


def test_preformatted_chinese_prose_is_no_code() -> None:
    assert text_of("<pre>  床前明月光，\n疑是地上霜。</pre>") == "床前明月光，\n疑是地上霜。"


ANNOTATION = '<annotation encoding="application/x-tex">E=m</annotation>'
KATEX_VISIBLE = '<span class="katex-html" aria-hidden="true"><span>E=m</span></span>'


@pytest.mark.parametrize(
    ("page", "formula"),
    [
        ('<img class="math" src="a.png" alt="a &lt; b^2"/>', "$a < b^2$"),
        ('<img src="http://latex.codecogs.com/gif.latex?x" alt="x">', "$x$"),
        ('<div class="math"><p><img src="math/1.png" alt="x\n=1" class="math"></p></div>', "$$x =1$$"),
        (f"<math><semantics><mi>E</mi>{ANNOTATION}</semantics></math>", "$E=m$"),
        ('<math display="block"><mi>x</mi><mo>=</mo><mn>1</mn></math>', "$$x=1$$"),
        ('<span class="MathJax_Preview">?</span><script type="math/tex">x<y</script>', "$x<y$"),
        ('<script type="math/tex; mode=display">\\sum x</script>', "$$\\sum x$$"),
        (f'<span class="katex"><math><semantics>{ANNOTATION}</semantics></math>{KATEX_VISIBLE}</span>', "$E=m$"),
        ('<span class="math notranslate">\\(c_1\\)</span>', "$c_1$"),
        ('<div class="math notranslate">\\[c_1\\]</div>', "$$c_1$$"),
        (
            '<span style="display: none"><math><mi>x</mi></math></span>'
            '<img class="mwe-math-fallback-image-inline" alt="{\\displaystyle x^{2}}">',
            "$x^{2}$",
        ),
    ],
)
def test_formulas_are_latex(page: str, formula: str) -> None:
    assert text_of(f"<p>So {page} holds.</p>").split() == f"So {formula} holds.".split()


def test_other_images_have_no_text() -> None:
    assert text_of('<p>A <img src="logo.png" alt="logo"> b.</p>') == "A b."


def test_line_breaks_stay_and_two_end_the_paragraph() -> None:
    assert text_of("<p>one<br>two <br/> three<br><br>four<br>&nbsp;<br>five</p>") == "one\ntwo\nthree\n\nfour\n\nfive"


def test_ruby_keeps_the_base_text() -> None:
    assert text_of("<p><ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp>字<rt>ji</rt></ruby>を</p>") == "漢字を"


def test_white_space_collapses_but_not_the_ideographic_space() -> None:
    assert text_of("<p>第一条　本法\n   适用 a\n b&nbsp; c  &amp;lt;</p>") == "第一条　本法适用 a b c &lt;"


def test_inline_elements_do_not_divide() -> None:
    assert text_of("<p>a<b>b</b><i>c</i> <font>d</font><code>e</code></p>f<div>g</div>h") == "abc de\n\nf\n\ng\n\nh"


@pytest.mark.parametrize(
    "page",
    [
        "<script>no</script>",
        "<style>no</style>",
        "<noscript>no</noscript>",
        "<template><p>no</p></template>",
        "<nav>no</nav>",
        "<aside>no</aside>",
        "<p hidden>no</p>",
        "<div style='DISPLAY : none'>no <div>no</div> no</div>".replace(" :", ":"),
        "<span class='sr-only'>no</span>",
        "<select><option>no</select>",
        "<textarea>no</textarea>",
        "<button>no</button>",
        "<form><label>no</label><input value=no></form>",
        "<svg><text>no</text></svg>",
        "<!-- no -->",
        "<iframe>no</iframe>",
        "<sup class=reference><a href=#1>[no]</a></sup>",
        "<table><tr hidden><td>no</table>",
        "<ul hidden><li>no</ul>",
        "<h2 hidden>no</h2>",
        "<div role=navigation>no</div>",
        "<div class=breadcrumbs>no</div>",
        "<div id=comments><p>no</p></div>",
    ],
)
def test_what_is_no_text_is_left_out(page: str) -> None:
    assert text_of(f"<p>Long enough a text.</p>{page}<p>End.</p>") == "Long enough a text.\n\nEnd."
