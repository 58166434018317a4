import pytest

from issues.payload.event import Sender
from issues.payload.normalize import normalize


def stored(request):
    return normalize({"request": request}, now=1_700_000_000.0, sender=Sender())


def request_of(**request):
    event = stored(request)
    assert "errors" not in event
    return event["request"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://example.com", "http://example.com/"),
        ("http://example.com/", "http://example.com/"),
        ("http://example.com/a/b", "http://example.com/a/b"),
        ("/relative", "/relative"),
        ("http://example.com/" + "x" * 3000, "http://example.com/" + "x" * 2026 + "..."),
    ],
)
def test_a_url_has_a_path(url, expected):
    assert request_of(url=url) == {"url": expected}


def test_query_and_fragment_are_moved_out_of_the_url():
    assert request_of(url="http://example.com?a=1&b=#top") == {
        "url": "http://example.com/",
        "query_string": [["a", "1"], ["b", ""]],
        "fragment": "top",
    }


def test_a_query_and_a_fragment_of_their_own_win():
    request = request_of(url="http://x.com/?a=1#top", query_string="b=2", fragment="end")
    assert request["url"] == "http://x.com/"
    assert request["query_string"] == [["b", "2"]]
    assert request["fragment"] == "end"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?a=1", [["a", "1"]]),
        ("a=1&a=2", [["a", "1"], ["a", "2"]]),
        ("a=b%20c&n=%00", [["a", "b c"], ["n", ""]]),
        ({"a": "1", "b": 2}, [["a", "1"], ["b", "2"]]),
        ([["a", "1"], ["b", None], None], [["a", "1"]]),
    ],
)
def test_a_query_becomes_pairs(query, expected):
    assert request_of(query_string=query)["query_string"] == expected


def test_a_long_query_is_cut():
    ((_, value),) = request_of(query_string="a=" + "x" * 5000)["query_string"]
    assert value == "x" * 4091 + "..."


@pytest.mark.parametrize(("given", "kept"), [("get", "GET"), ("M-SEARCH", "M-SEARCH")])
def test_a_method_is_written_in_capitals(given, kept):
    assert request_of(method=given) == {"method": kept}


@pytest.mark.parametrize("method", ["A", "A" * 33, "GET1", "G T", 5])
def test_a_bad_method_is_dropped_and_noted(method):
    event = stored({"method": method, "url": "http://x.com/"})
    assert event["request"] == {"url": "http://x.com/"}
    assert event["errors"] == [
        {
            "type": "invalid_data",
            "name": "request.method",
            "value": method,
            "reason": "invalid characters in string",
        }
    ]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-b": "2", "ACCEPT": "*/*"}, [["Accept", "*/*"], ["X-B", "2"]]),
        ([["b", "2"], ["a", "1"]], [["A", "1"], ["B", "2"]]),
        ({"a": 5, "b": ["x", "y"], "c": None}, [["A", "5"], ["B", "x,y"]]),
    ],
)
def test_headers_are_sorted_pairs_with_capitalized_names(headers, expected):
    assert request_of(headers=headers)["headers"] == expected


def test_the_cookie_header_becomes_cookies():
    request = request_of(headers={"cookie": "a=1; b=x=y", "host": "h"})
    assert request == {"headers": [["Host", "h"]], "cookies": [["a", "1"], ["b", "x=y"]]}


def test_cookies_of_their_own_win_over_the_header():
    request = request_of(headers={"Cookie": "a=1"}, cookies={"b": "2"})
    assert request == {"cookies": [["b", "2"]]}


def test_a_cookie_header_that_an_sdk_filtered_stays():
    request = request_of(headers={"Cookie": "[Filtered]"})
    assert request == {"headers": [["Cookie", "[Filtered]"]]}


@pytest.mark.parametrize(
    ("cookies", "expected"),
    [
        ("a=1; b=2", [["a", "1"], ["b", "2"]]),
        ({"a": "1"}, [["a", "1"]]),
        ([["foo", "bar"], ["biz", "baz"]], [["foo", "bar"], ["biz", "baz"]]),
    ],
)
def test_cookies_become_pairs(cookies, expected):
    assert request_of(cookies=cookies)["cookies"] == expected


@pytest.mark.parametrize("name", ["headers", "cookies"])
def test_fifty_pairs_are_kept(name):
    assert len(request_of(**{name: {f"k{n}": "v" for n in range(60)}})[name]) == 50


@pytest.mark.parametrize(
    ("data", "decoded", "inferred"),
    [
        ({"a": [1]}, {"a": [1]}, None),
        ('{"a": 1}', {"a": 1}, "application/json"),
        (" [1, 2]", [1, 2], "application/json"),
        ("{broken", "{broken", None),
        ("a=1&b=x%20y", {"a": "1", "b": "x y"}, "application/x-www-form-urlencoded"),
        ("a=1&a=2", {"a": ["1", "2"]}, "application/x-www-form-urlencoded"),
        ("a=%00", {"a": ""}, "application/x-www-form-urlencoded"),
        ("plain text", "plain text", None),
        ("dGU=", "dGU=", None),
        ("dA==", "dA==", None),
        ("5", "5", None),
        (5, "5", None),
        (True, "true", None),
        ("x" * 20000, "x" * 16381 + "...", None),
        ('{"a": "\\u0000b"}', {"a": "b"}, "application/json"),
    ],
)
def test_a_body_is_decoded_if_it_can_be(data, decoded, inferred):
    request = request_of(data=data)
    assert request["data"] == decoded
    assert request.get("inferred_content_type") == inferred


def test_the_content_type_is_the_headers():
    request = request_of(data="a=1", headers={"content-type": "text/plain; charset=utf-8"})
    assert request["inferred_content_type"] == "text/plain"


def test_the_environment_of_the_web_server_is_kept():
    env = {"SERVER_NAME": "web", "REMOTE_ADDR": "1.2.3.4"}
    assert request_of(env=env)["env"] == env
    assert len(request_of(env={f"k{n}": "v" for n in range(60)})["env"]) == 50


def test_a_bad_remote_address_is_removed_and_noted():
    event = stored({"env": {"REMOTE_ADDR": "nope", "A": "b"}})
    assert event["request"]["env"] == {"A": "b"}
    assert event["errors"][0]["name"] == "request.env.REMOTE_ADDR"


def test_a_request_that_is_no_object_is_noted():
    event = stored([1])
    assert "request" not in event
    assert event["errors"] == [
        {"type": "invalid_data", "name": "request", "value": [1], "reason": "expected request"}
    ]
