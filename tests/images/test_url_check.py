"""URLs that are requested, with the form they are requested in; and URLs that are refused, with no guess."""

from __future__ import annotations

import pycurl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from laion_pairs.images.refusal import Refused
from laion_pairs.images.url_check import MAX_URL_CHARS, check_redirect, check_url
from laion_pairs.ledger import Outcome

GOOD = [
    ("http://example.org", "http://example.org/"),
    ("HTTP://EXAMPLE.org/A", "http://example.org/A"),
    ("https://example.org:443/a?b=c#d", "https://example.org/a?b=c"),
    ("http://example.org:443/", "http://example.org:443/"),
    ("http://example.org:0080/", "http://example.org/"),
    ("http://example.org:/", "http://example.org/"),
    ("http://example.org./", "http://example.org/"),
    ("http://foo_bar.blogspot.com/x.jpg", "http://foo_bar.blogspot.com/x.jpg"),
    ("http://example.org?q", "http://example.org/?q"),
    ("http://example.org#f", "http://example.org/"),
    ("http://example.org/a/./b/../c", "http://example.org/a/c"),
    ("http://example.org/../../a", "http://example.org/a"),
    ("http://example.org/a/%2E%2e/b", "http://example.org/b"),
    ("http://example.org/a/..", "http://example.org/"),
    ("http://example.org/a//b/", "http://example.org/a//b/"),
    ("http://example.org/a%20b%zz", "http://example.org/a%20b%zz"),
    ("http://example.org/ü?ü", "http://example.org/%C3%BC?%C3%BC"),
    ('http://example.org/"<>`{}|^', "http://example.org/%22%3C%3E%60%7B%7D%7C%5E"),
    ("http://example.org/a@b:c", "http://example.org/a@b:c"),
    ("http://example.org/?http://user@other/", "http://example.org/?http://user@other/"),
    ("http://bücher.example/", "http://xn--bcher-kva.example/"),
    ("http://BÜCHER.example/", "http://xn--bcher-kva.example/"),
    ("http://faß.example/", "http://xn--fa-hia.example/"),
    ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"),
    ("http://example。org/", "http://example.org/"),
    ("http://１２７.0.0.1/", "http://127.0.0.1/"),
    ("http://127.1/", "http://127.0.0.1/"),  # whether it may be dialled is judged where it is dialled
    ("http://2130706433/", "http://127.0.0.1/"),
    ("http://0x7f000001/", "http://127.0.0.1/"),
    ("http://0177.0.0.1/", "http://127.0.0.1/"),
    ("http://0x7F.0x1/", "http://127.0.0.1/"),
    ("http://127.65535/", "http://127.0.255.255/"),
    ("http://0/", "http://0.0.0.0/"),
    ("http://0x/", "http://0.0.0.0/"),
    ("http://127.0.0.1./", "http://127.0.0.1/"),
    ("http://1.example/", "http://1.example/"),
    ("http://[::1]/", "http://[::1]/"),
    ("http://[0:0:0:0:0:0:0:1]:8080/", "http://[::1]:8080/"),
    ("http://[::FFFF:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
]
BAD = [
    "",
    " http://example.org/",
    "http://example.org/ ",
    "http://exa mple.org/",
    "http://example.org/a b",
    "http://example.org/\r\nHost: other",
    "http://example.org\n.other.org/",
    "http://example.org/\x00",
    "http://example.org/\x7f",
    "http://example.org/\x85",
    "http://example.org/\u2028",
    "http://example.org/\u3000",
    "http://example.org/\ud800",
    "\ufeffhttp://example.org/",
    "http:\\\\example.org\\",
    "http://example.org\\@other.org/",
    "http:example.org",
    "http:/example.org",
    "http:///example.org",
    "http://",
    "http://?",
    "//example.org/",
    "example.org/a.jpg",
    "/etc/passwd",
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "data:image/png;base64,iVBORw0KGgo=",
    "ftp://example.org/a.jpg",
    "gopher://127.0.0.1:6379/_INFO",
    "dict://127.0.0.1:11211/stat",
    "javascript:alert(1)",
    "blob:http://example.org/1",
    "view-source:http://example.org/",
    "httpx://example.org/",
    "http+unix://%2frun%2fsocket/",
    "http://user@example.org/",
    "http://user:hunter2@example.org/",
    "http://@example.org/",
    "http://example.org:80@127.0.0.1/",
    "http://127.0.0.1#@example.org:80/".replace("#", "%23"),
    "http://example.org:0/",
    "http://example.org:65536/",
    "http://example.org:99999999/",
    "http://example.org:80:80/",
    "http://example.org:+80/",
    "http://example.org:-80/",
    "http://example.org:8 0/",
    "http://example.org:٨٠/",
    "http://example.org:http/",
    "http://example%2eorg/",
    "http://%31%32%37.0.0.1/",
    "http://[::1/",
    "http://::1/",
    "http://[::1]x/",
    "http://[::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[v1.x]/",
    "http://[127.0.0.1]/",
    "http://[]/",
    "http://example..org/",
    "http://.example.org/",
    "http://example.org../",
    "http://./",
    "http://exa$mple.org/",
    "http://a;b/",
    "http://256.0.0.1/",
    "http://1.2.3.4.5/",
    "http://1.2.65536/",
    "http://4294967296/",
    "http://example.1/",
    "http://08.0.0.1/",
    "http://1..2/",
    "http://a,b/",
    "http://" + "a" * 64 + ".org/",
    "http://" + "a." * 127 + "org/",
    "http://\u00ad/",
    "http://example.org＠127.0.0.1/",
    "http://127.0.0.1：80/",
    "http://a℀b/",
    "http://a％2eb/",
    "http://" + "ü" * 8_000 + "/",
    "http://xn--ü/",
    "http://example.org/" + "a" * MAX_URL_CHARS,
]
REDIRECTS = [
    (b"/b", "http://example.org/b"),
    (b"b?c", "http://example.org/dir/b?c"),
    (b"?c", "http://example.org/dir/a?c"),
    (b"", "http://example.org/dir/a?q"),
    (b"#f", "http://example.org/dir/a?q"),
    (b"//other.org/x", "http://other.org/x"),
    (b"HTTPS://OTHER.org", "https://other.org/"),
    (b"../../x", "http://example.org/x"),
    ("/ü".encode(), "http://example.org/%C3%BC"),
    ("/ü".encode("latin-1"), "http://example.org/%C3%BC"),
]
BAD_REDIRECTS = [
    b"file:///etc/passwd",
    b"data:image/png,x",
    b"ftp://example.org/",
    b"http://user:hunter2@example.org/",
    b"//user@example.org/",
    b"/a b",
    b"/a\rb",
    b"ht\ttp://example.org/",
    b"\x00/a",
    b"\\\\other.org\\",
    b"http://[::1/",
    b"http://example.org:99999/",
    b"javascript:alert(1)",
    b"http:///",
]


@pytest.mark.parametrize(("url", "requested"), GOOD)
def test_good(url, requested):
    assert check_url(url).text == requested


@pytest.mark.parametrize("url", BAD)
def test_bad(url):
    with pytest.raises(Refused) as caught:
        check_url(url)
    assert caught.value.outcome is Outcome.BAD_URL
    assert "hunter2" not in caught.value.detail


def test_userinfo_is_named_but_not_shown():
    with pytest.raises(Refused, match="user name or password") as caught:
        check_url("http://user:hunter2@example.org/")
    assert "user:" not in str(caught.value)


@pytest.mark.parametrize("url", [None, 7, b"http://example.org/"])
def test_not_text(url):
    with pytest.raises(Refused):
        check_url(url)


@pytest.mark.parametrize(("location", "target"), REDIRECTS)
def test_redirect(location, target):
    assert check_redirect(check_url("http://example.org/dir/a?q"), location).text == target


@pytest.mark.parametrize("location", BAD_REDIRECTS)
def test_bad_redirect(location):
    with pytest.raises(Refused, match="redirect's target") as caught:
        check_redirect(check_url("http://example.org/"), location)
    assert caught.value.outcome is Outcome.BAD_URL


SYNTAX = [":", "/", "//", "://", "@", "\\", "?", "#", "[", "]", "%", "%2e", ".", "..", ";", "&", "=", "|"]
WORDS = ["http", "https", "file", "127.0.0.1", "::1", "example.org", "user", "80", "0", "0x7f", "ü", "。"]
SPACES = [" ", "\t", "\r\n", "\x00", "\u2028", "\xad"]
PIECES = st.sampled_from(SYNTAX) | st.sampled_from(WORDS) | st.sampled_from(SPACES)


def checked_or_none(url):
    try:
        return check_url(url)
    except Refused:
        return None


@given(st.one_of(st.text(), st.lists(PIECES).map("".join), st.lists(PIECES).map(lambda p: "http://" + "".join(p))))
@example("http://example.org:80/%2e%2e/%2E./a")
def test_laws(url):
    """A URL is refused, or rendered to printable ASCII that renders to itself."""
    checked = checked_or_none(url)
    if checked is None:
        return
    assert checked.text.isascii()
    assert checked.text.isprintable()
    assert " " not in checked.text
    assert "\\" not in checked.text
    assert "@" not in checked.text.split("/")[2]
    assert check_url(checked.text) == checked


@given(st.lists(PIECES).map(lambda pieces: "http://" + "".join(pieces)))
def test_libcurl_reads_the_same_host_and_port(url):
    """No parser differential: libcurl takes our rendering to the host and port that we read (here: dials nothing)."""
    checked = checked_or_none(url)
    if checked is None:
        return
    curl = pycurl.Curl()
    seen = []
    curl.setopt(pycurl.URL, checked.text)
    curl.setopt(pycurl.PROXY, "")
    curl.setopt(pycurl.PATH_AS_IS, 1)
    curl.setopt(pycurl.RESOLVE, [f"{checked.host}:{checked.port}:127.0.0.1"])
    curl.setopt(pycurl.OPENSOCKETFUNCTION, lambda purpose, address: seen.append(address.addr) or pycurl.SOCKET_BAD)
    with pytest.raises(pycurl.error):
        curl.perform()
    assert curl.getinfo(pycurl.EFFECTIVE_URL) == checked.text
    if seen:  # an address literal is not looked up; a name is found only under the host and port that we read
        assert seen[0][1] == checked.port
