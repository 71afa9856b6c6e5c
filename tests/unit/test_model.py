"""A locator is printed in a report and typed into another tool: what it prints must be what it means."""

from hypothesis import example, given
from hypothesis import strategies as st

from forensics.model import Locator, Region

names = st.lists(st.binary(min_size=1, max_size=12), max_size=4).map(tuple)
number = st.integers(0, 2**63)


@st.composite
def locators(draw: st.DrawFn) -> Locator:
    region = draw(st.sampled_from(Region))
    volume = draw(st.none() | st.integers(0, 99))
    if region is Region.DELETED and volume is None:
        volume = 1
    offset = draw(st.none() | number)
    layers = draw(st.lists(st.sampled_from(["decrypted", "vss1", "vss12"]), max_size=2)) if volume is not None else ()
    names_here = names | st.just((b"unallocated",)) | st.just((b"vss1", b"deleted")) | st.just((b"decrypted",))
    return Locator(
        exhibit=draw(st.from_regex(r"[A-Z]{1,3}-[0-9]{1,4}", fullmatch=True)),
        volume=volume,
        region=region,
        address=draw(number) if region is Region.DELETED else None,
        path=draw(names_here) if volume is not None and region is not Region.UNALLOCATED else (),
        inner=draw(names),
        offset=offset,
        length=draw(st.none() | number) if offset is not None else None,
        layers=tuple(layers),
        slack=draw(st.booleans()) if region is not Region.UNALLOCATED else False,
    )


@given(locators())
@example(Locator("E-001", 2, path=(b"deleted", b"57", b"x")))
@example(Locator("E-001", 2, path=(b"vss2", b"x")))
@example(Locator("E-001", 2, path=(b"unallocated",), layers=("decrypted",)))
@example(Locator("E-001", 2, path=(b"a!b@12+3", b"..", b"\xff\x00")))
def test_a_locator_parses_back_to_itself(locator: Locator) -> None:
    assert Locator.parse(str(locator)) == locator


def test_locators_print_as_the_command_line_promises() -> None:
    for text in (
        "E-001/vol2/Work/list.xlsx!Sheet1!B17",
        "E-001/vol2/backup/old.zip!2008.zip!contacts.csv!row 12",
        "E-001/vol2/deleted/57/_ull_tmp.csv@1042+11",
        "E-001/unallocated@0x3fd00000+118",
        "E-001/vol2/decrypted/Work/list.csv!row 4",
        "E-001/vol2/decrypted/deleted/57/_ull_tmp.csv@1042+11",
        "E-001/vol2/decrypted/unallocated@0x00100000+118",
        "E-001/vol2/decrypted/vss3/Work/list.csv",
        "E-001/vol2/%64ecrypted/list.csv",
        "E-001/vol2/Work/list.csv:slack@5004+11",
        "E-001/vol2/Work/list.csv%3Aslack@5004+11",
    ):
        assert str(Locator.parse(text)) == text
