"""Text as it streams: stop texts anywhere, whole characters only."""

from hypothesis import given
from hypothesis import strategies as st

from backend.models.tokenizer import TextTokenizer
from backend.serve.text import StopMatcher, Writer

ALPHABET = "ab\n"


def shown(pieces: list[str], stops: list[str]) -> tuple[list[str], bool]:
    matcher = StopMatcher(stops)
    out = [matcher.feed(piece) for piece in pieces]
    return [*out, matcher.flush()], matcher.stopped


def earliest(text: str, stops: list[str]) -> int | None:
    places = [place for stop in stops if stop and (place := text.find(stop)) >= 0]
    return min(places, default=None)


@given(
    st.lists(st.text(ALPHABET, max_size=4), max_size=12),
    st.lists(st.text(ALPHABET, max_size=4), max_size=3),
)
def test_cut_at_the_earliest_stop_however_the_text_is_split(pieces: list[str], stops: list[str]) -> None:
    text = "".join(pieces)
    out, stopped = shown(pieces, stops)
    place = earliest(text, stops)
    # A stop text that ends later may begin earlier, but is met only once the earlier one's piece has come.
    if place is None:
        assert ("".join(out), stopped) == (text, False)
    else:
        assert stopped
        answer = "".join(out)
        assert text.startswith(answer)
        assert not any(stop and stop in answer for stop in stops)


@given(st.text(ALPHABET, max_size=30), st.text(ALPHABET, min_size=1, max_size=4))
def test_one_stop_is_cut_exactly(text: str, stop: str) -> None:
    out, stopped = shown(list(text), [stop])
    assert "".join(out) == text.split(stop)[0]
    assert stopped == (stop in text)


@given(st.text(max_size=40))
def test_characters_are_never_halved(tokenizer: TextTokenizer, text: str) -> None:
    writer = Writer(tokenizer.decode, [])
    pieces = [writer.feed(id_) for id_ in tokenizer.encode_plain(text)]
    assert "".join(pieces) + writer.finish() == text.rstrip("\ufffd")


@given(st.text(alphabet="ab \t\n\ré", max_size=40), st.sampled_from([[], ["\r\n\r\n"], ["\n\n"], ["b\r\n"]]))
def test_a_client_with_crlf_gets_crlf(tokenizer: TextTokenizer, text: str, stops: list[str]) -> None:
    text = text.replace("\r", "")
    writer = Writer(tokenizer.decode, stops, crlf=True)
    shown = ""
    for id_ in tokenizer.encode_plain(text):
        if not writer.stopped:
            shown += writer.feed(id_)
    shown += writer.finish()
    wanted = text.split(stops[0].replace("\r", ""))[0] if stops else text
    assert shown == wanted.replace("\n", "\r\n")


def test_an_unfinished_character_is_dropped_at_the_end(tokenizer: TextTokenizer) -> None:
    writer = Writer(tokenizer.decode, [])
    ids = tokenizer.encode_plain("ok 😀")
    assert "".join(writer.feed(id_) for id_ in ids[:-1]) + writer.finish() == "ok "
