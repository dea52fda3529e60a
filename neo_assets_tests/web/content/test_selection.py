"""Pages as the web has them: what is taken for their main text."""

from __future__ import annotations

from neo_assets.web.content.maintext import main_text

EN = "The committee met on Tuesday to discuss the budget for the coming year, and a decision is expected soon."
ZH = "昨日，市人民政府召开常务会议，研究部署下一阶段重点工作，会议强调要坚持稳中求进的工作总基调。"


def lines(page: str) -> list[str]:
    return [line for line in main_text(page).text.split("\n") if line]


NEWS = f"""<body class="home has-sidebar"><header class="site-header"><a href="/">Daily</a>
<nav><ul><li><a href=a>World</a><li><a href=b>Sport</a></ul></nav></header>
<div id="cookie-banner">We use cookies to improve your experience. <button>OK</button></div>
<div class="container"><div class="breadcrumbs"><a href=/>Home</a> &gt; <a href=/w>World</a> &gt; Budget</div>
<div class="post-wrapper"><h1 class="entry-title">Budget vote</h1><div class="byline">By Jane Doe, 3 May</div>
<div class="share-buttons"><a href=f>Facebook</a> <a href=t>Twitter</a></div>
<div class="entry-content"><p>{EN}</p><p>{EN} See <a href=x>the report</a>.</p><figure><img src=x alt="photo">
<figcaption>The committee</figcaption></figure><h2>Background</h2><p>{EN}</p></div>
<div class="more"><h3>Read also</h3><ul><li><a href=1>Another article about the budget and other things</a></li>
<li><a href=2>Second article about something else entirely</a></li><li><a href=3>Third one</a></li></ul></div>
<div id="comments"><h3>2 comments</h3><div class=comment><p>I disagree with all of this.</p></div></div></div>
<aside class="sidebar"><h4>Popular</h4><p>Never miss a story: sign up for our letters today.</p></aside></div>
<footer><p>© 2024 Daily News. All rights reserved.</p></footer>"""


def test_a_news_article_loses_what_surrounds_it() -> None:
    assert lines(NEWS) == [
        "# Budget vote",
        EN,
        f"{EN} See the report.",
        "The committee",
        "## Background",
        EN,
    ]


def test_an_old_chinese_page_of_nested_tables() -> None:
    page = f"""<center><table width=760><tr><td><a href=/>首页</a> | <a href=/n>新闻</a> | <a href=/b>论坛</a></table>
<table><tr><td width=180><table><tr><td><b>栏目导航</b></td></tr><tr><td><a href=1>国内新闻</a></td></tr>
<tr><td><a href=2>国际新闻</a></td></tr><tr><td><a href=3>社会新闻</a></td></tr></table></td>
<td><table><tr><td>您现在的位置：<a href=/>首页</a> &gt;&gt; <a href=/n>新闻</a> &gt;&gt; 正文</td></tr>
<tr><td align=center><font size=5><b>市政府召开常务会议</b></font></td></tr><tr><td><font size=3>
&nbsp;&nbsp;&nbsp;&nbsp;{ZH}<br>&nbsp;&nbsp;&nbsp;&nbsp;{ZH}<br><br>　　{ZH}</font></td></tr>
<tr><td>上一篇：<a href=p>关于开展检查的通知</a><br>下一篇：<a href=n>没有了</a></table></table>
<table><tr><td align=center>关于我们 | 联系我们<br>版权所有 © 2003 某某网 京ICP备00000000号</table></center>"""
    assert lines(page) == ["市政府召开常务会议", ZH, ZH, ZH]


def test_a_forum_thread_keeps_every_post() -> None:
    post = "<div class=post><div class=author><a href=u>user</a></div><div class=post-body><p>{}</p></div></div>"
    posts = "".join(post.format(f"{number}. {EN}") for number in range(9))
    found = lines(f"<h1>Topic</h1>{posts}<div class=pagination><a href=1>1</a> <a href=2>2</a></div>")
    assert found == ["# Topic", *(f"{number}. {EN}" for number in range(9))]


def test_where_comments_are_all_there_is_they_are_the_text() -> None:
    page = "<h1>Ask: why?</h1><div class=comments>" + f"<div class=comment>{EN}</div>" * 3
    assert lines(page) == ["# Ask: why?", EN, EN, EN]
    assert main_text(page).extractor == "body"


def test_a_zone_that_holds_the_text_is_no_sidebar() -> None:
    page = f"<div class=sidebar-left><h1>Title</h1><p>{EN}</p><p>{EN}</p></div><div class=other>A short remark.</div>"
    assert lines(page) == ["# Title", EN, EN, "A short remark."]


def test_an_encyclopedia_page() -> None:
    page = f"""<div id="mw-navigation"><h2>Menu</h2><ul><li><a href=1>Main page</a><li><a href=2>Contents</a></ul></div>
<div id="content" class="mw-body" role="main"><h1>Circle</h1><div class="mw-parser-output">
<table class="infobox"><tr><th colspan=2>Circle<tr><th>Type<td><a href=c>Conic</a><tr><th>Area<td>πr²</table>
<p>A <b>circle</b> is a <a href=s>shape</a>.<sup class="reference"><a href="#1">[1]</a></sup> {EN}</p>
<div id="toc" class="toc"><h2>Contents</h2><ul><li><a href=#1>1 Past</a><li><a href=#2>2 Use</a>
<li><a href=#3>3 Refs</a></ul></div><h2>Past<span class="mw-editsection">[<a href=e>edit</a>]</span></h2><p>{EN}</p>
<h2>External links</h2><ul><li><a href=1>Site</a><li><a href=2>Other</a><li><a href=3>Third</a></ul></div></div>
<div id="catlinks"><a href=c>Categories</a>: <a href=d>Shapes</a></div>"""
    assert lines(page) == [
        "# Circle",
        "| Circle |  |",
        "| --- | --- |",
        "| Type | Conic |",
        "| Area | πr² |",
        f"A circle is a shape. {EN}",
        "## Past",
        EN,
    ]
    assert main_text(page).extractor == "article"


def test_a_product_page_keeps_description_and_properties() -> None:
    page = f"""<div class=topmenu><a href=1>Shop</a></div><div class="product"><h1>Chair</h1><form action=buy><label>Qty
</label><select><option>1</select><button>Add</button></form><p>{EN}</p><ul><li>Weight: 3 kg</li><li>Green</li></ul>
<table><tr><td>Width<td>50 cm<tr><td>Height<td>90 cm</table></div>
<div class="recommendations"><a href=1>Table</a> € 99 <a href=2>Lamp</a> € 12</div>"""
    assert lines(page) == [
        "# Chair",
        EN,
        "- Weight: 3 kg",
        "- Green",
        "| Width | 50 cm |",
        "| --- | --- |",
        "| Height | 90 cm |",
    ]


def test_a_page_of_links_gives_next_to_nothing() -> None:
    links = "".join(f"<li><a href={number}>网站链接{number}</a></li>" for number in range(50))
    assert lines(f"<h1>网站导航</h1><ul>{links}</ul>") == ["# 网站导航"]
    assert lines(f"<ul>{links}</ul>") == []


def test_a_list_of_posts_keeps_titles_and_summaries() -> None:
    posts = (
        f"<article><h2><a href={n}>Post {n}</a></h2><p>{EN}</p><p><a href={n}>Read more</a></p></article>"
        for n in "123"
    )
    assert lines(f"<main>{''.join(posts)}</main>") == ["## Post 1", EN, "## Post 2", EN, "## Post 3", EN]


def test_a_page_wrapped_in_one_form_keeps_its_text() -> None:
    assert lines(f"<form><div class=menu><a href=1>首页</a></div><h2>通知</h2><p>{ZH}</p></form>") == ["## 通知", ZH]


def test_references_in_a_text_stay() -> None:
    page = f"<p>{EN}</p><ul><li><a href=x>The report on constants, units and uncertainties</a></li></ul>"
    assert lines(page)[-1] == "- The report on constants, units and uncertainties"


def test_identifiers_made_of_the_content_say_nothing() -> None:
    page = f"<section id=sharing-data><h2>Sharing data</h2><p>{EN}</p></section><dl><dt id=x.comment>f()<dd>{EN}</dl>"
    assert lines(page) == ["## Sharing data", EN, "f()", EN]


def test_the_footer_of_a_page_is_no_text_but_that_of_an_article_or_a_quotation_is() -> None:
    page = (
        f"<div><h1>Title</h1><p>{EN}</p></div><footer><div><h3>About</h3><p>Made by us, with love.</p></div></footer>"
    )
    assert lines(page) == ["# Title", EN]
    page = f"<article><p>{EN}</p><footer><p>Translated from the Latin.</p></footer></article>"
    assert lines(page) == [EN, "Translated from the Latin."]
    page = f"<p>{EN}</p><blockquote><p>To be.</p><footer>The Prince</footer></blockquote>"
    assert lines(page) == [EN, "To be.", "The Prince"]
    assert lines(f"<footer><p>{EN}</p></footer>") == [EN]
