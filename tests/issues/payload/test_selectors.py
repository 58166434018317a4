from hypothesis import HealthCheck, given, settings

from issues.payload.event import Sender
from issues.payload.normalize import normalize
from issues.payload.selectors import MAX_EXAMPLES, MAX_SELECTORS, suggest_selectors
from tests.issues.payload.test_prepare import EVENT


def suggested(raw):
    return suggest_selectors(normalize(raw, now=1_700_000_000.0, sender=Sender()))


def test_every_part_of_an_event():
    frames = {"frames": [{"function": "open", "vars": {"pin": "1234", "deep": [{"a b": 5}]}}]}
    found = suggested(
        {
            "exception": {"values": [{"type": "E", "value": "it broke", "stacktrace": frames}]},
            "logentry": {"message": "hello %s", "params": ["Nova"]},
            "request": {
                "url": "https://a.example/pay",
                "query_string": "card=1&x'y=2",
                "headers": {"X-Custom-Token": "t"},
                "cookies": {"session": "s"},
                "data": {"name": "n"},
                "env": {"REMOTE_ADDR": "192.0.2.1"},
            },
            "user": {"email": "nova@example.com", "id": 7, "plan": "gold"},
            "breadcrumbs": [{"message": "clicked", "data": {"to": "/"}}],
            "extra": {"My Value": 1.5, "flag": True, "none": None, "empty": ""},
            "contexts": {"device": {"timezone": "UTC"}},
            "tags": {"area": "north"},
        }
    )
    contexts = {name: found.pop(name) for name in list(found) if name.startswith("contexts.")}
    assert contexts["contexts.device.timezone"] == ["UTC"]
    assert list(found) == sorted(found)
    assert found == {
        "$breadcrumb.data.to": ["/"],
        "$breadcrumb.message": ["clicked"],
        "$error.value": ["it broke"],
        "$frame.vars.deep.*.'a b'": ["5"],
        "$frame.vars.pin": ["1234"],
        "$http.cookies.session": ["s"],
        "$http.data.name": ["n"],
        "$http.env.REMOTE_ADDR": ["192.0.2.1"],
        "$http.headers.X-Custom-Token": ["t"],
        "$http.query_string.'x''y'": ["2"],
        "$http.query_string.card": ["1"],
        "$http.url": ["https://a.example/pay"],
        "$logentry.params.*": ["Nova"],
        "$message": ["hello Nova"],
        "$user.data.plan": ["gold"],
        "$user.email": ["nova@example.com"],
        "$user.id": ["7"],
        "$user.ip_address": ["192.0.2.1"],
        "extra.'My Value'": ["1.5"],
        "tags.area": ["north"],
    }


def test_examples_are_few_and_short():
    crumbs = [{"message": str(number % 7) * 300} for number in range(20)]
    (examples,) = suggested({"breadcrumbs": crumbs}).values()
    assert examples == [str(number) * 197 + "..." for number in range(MAX_EXAMPLES)]


def test_so_many_are_enough():
    extra = {f"key{number}": "x" for number in range(MAX_SELECTORS + 10)}
    assert len(suggest_selectors({"extra": extra})) == MAX_SELECTORS


def test_what_was_scrubbed_is_left_alone():
    assert suggest_selectors({"extra": {"a": "[Filtered]", "b": "x"}}) == {"extra.b": ["x"]}


def test_an_event_without_anything():
    assert suggest_selectors({}) == {}


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(raw=EVENT)
def test_anything_that_was_stored(raw):
    for selector, examples in suggested(raw).items():
        assert selector and all(examples)
