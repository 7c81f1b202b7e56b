"""Whatever a table holds is shown as text."""

from testing.report_pages import made_up_report

SCRIPTS = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><iframe src="javascript:alert(1)">',
    "<a href='javascript:alert(1)' autofocus onfocus=alert(1)>x</a>",
    "<style>*{display:none}</style>",
    "<!-- --!><![CDATA[",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "<meta http-equiv=refresh content='0;url=http://example.org'>",
    "<link rel=stylesheet href=//example.org/x.css>",
    "<form action=//example.org><button>send",
    "<base href=//example.org>",
    "' onmouseover='alert(1)",
    "&lt;b&gt;&amp;amp;",
    "\\u003cscript\\u003e",
    "</style><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
]
LETTERS = [
    "line\u2028separator",
    "paragraph\u2029separator",
    "\u202eright to left\u202c",
    "\u2067isolated\u2069",
    "‏שלום‏",
    "مرحبا",
    "nul\x00byte",
    "bell\x07",
    "tab\tnew\nline\r\n",
    "\ufeffmark",
    "zero\u200bwidth",
    "e" + "\u0301" * 200,
    "👩‍👩‍👧‍👦" * 50,
    "x" * 10_000,
    "word " * 2000,
    '=HYPERLINK("http://example.org")',
    "__proto__",
    "constructor",
    "toString",
    "null",
    "NaN",
    "  spaces  ",
    "",
    "%00%0a",
    "../../../etc/passwd",
    "😀",
    "ﬃ",
    "a\u0000",
    "]]>",
    "\\",
]
HOSTILE = SCRIPTS + LETTERS


def hostile_report():
    return made_up_report(
        200,
        199,
        names=tuple(text or "(no name)" for text in HOSTILE),
        value=lambda column, rank: HOSTILE[(column + rank) % 50],
    )


def test_fifty_hostile_values_and_names_are_shown_as_text(shown):
    assert len(HOSTILE) == len(set(HOSTILE)) == 50
    page = shown(hostile_report())
    page.get_by_role("button", name="Row").nth(0).wait_for()
    page.locator("button.opener").first.click()
    page.get_by_role("button", name="Show all 50 columns").click()
    texts = page.locator(".neighbours tbody th").all_text_contents()
    assert {text.split("…")[0][:60] for text in texts} == {(text or "(no name)")[:60] for text in HOSTILE}
    values = set(page.locator(".neighbours tbody td:nth-child(2)").all_text_contents())
    assert SCRIPTS[0] in values
    assert SCRIPTS[1] in values
    for unwanted in (
        "img",
        "iframe",
        "form",
        "link",
        "base",
        "main a[href^='javascript']",
        "#report script",
        "#report style",
    ):
        assert page.locator(unwanted).count() == 0, unwanted


def test_hostile_texts_do_not_widen_the_page(shown):
    page = shown(hostile_report(), viewport={"width": 390, "height": 800})
    page.locator("button.opener").first.click()
    page.locator(".neighbours").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_long_value_is_whole_on_demand(shown):
    page = shown(hostile_report())
    page.locator("button.opener").first.click()
    page.get_by_role("button", name="Show all 50 columns").click()
    row = page.locator(".neighbours tbody tr", has=page.get_by_text("10,000 characters")).first
    long = row.locator("details.long", has_text="10,000 characters").first
    long.locator("summary").click()
    assert set(long.locator(".whole").text_content()) in ({"x"}, {*"word "})
