"""Many redemptions written by one statement: each gets the answer it would have had alone."""

from hypothesis import given
from hypothesis import strategies as st

from app.decisions.recording import Recording, balances_of_each, merged
from app.engine.postings import AccountKey, Posting

ACCOUNTS = st.sampled_from([AccountKey("v_1", "uses"), AccountKey("v_2", "uses"), AccountKey("camp_1", "discounted")])
POSTINGS = st.dictionaries(ACCOUNTS, st.tuples(st.integers(-50, -1), st.none() | st.integers(-200, 0))).map(
    lambda drawn: [Posting(account, amount, floor) for account, (amount, floor) in drawn.items()]
)


@given(st.lists(POSTINGS, min_size=1, max_size=8), st.dictionaries(ACCOUNTS, st.integers(-100, 0)))
def test_a_group_leaves_every_account_where_its_members_in_turn_would(
    groups: list[list[Posting]], before: dict[AccountKey, int]
) -> None:
    recordings = [Recording(redemptions=(), events=(), postings=postings) for postings in groups]
    standing, in_turn = dict(before), []
    for recording in recordings:
        for posting in recording.postings:
            standing[posting.account] = standing.get(posting.account, 0) + posting.amount
        in_turn.append({posting.account: standing[posting.account] for posting in recording.postings})

    together = {
        posting.account: before.get(posting.account, 0) + posting.amount
        for posting in merged(posting for recording in recordings for posting in recording.postings)
    }

    assert balances_of_each(recordings, together) == in_turn


@given(st.lists(POSTINGS, min_size=1, max_size=8), st.dictionaries(ACCOUNTS, st.integers(-100, 0)))
def test_a_group_that_is_let_through_contains_nobody_who_would_have_been_refused(
    groups: list[list[Posting]], before: dict[AccountKey, int]
) -> None:
    together = merged(posting for postings in groups for posting in postings)
    allowed = all(
        posting.floor is None or before.get(posting.account, 0) + posting.amount >= posting.floor
        for posting in together
    )
    standing = dict(before)
    for postings in groups:
        for posting in postings:
            standing[posting.account] = standing.get(posting.account, 0) + posting.amount
            assert not allowed or posting.floor is None or standing[posting.account] >= posting.floor
