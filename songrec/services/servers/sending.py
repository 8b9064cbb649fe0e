"""Sending of likes and dislikes to a music server: as stars, and as ratings of one star."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import islice

from sqlalchemy.orm import Session

from songrec.services.servers.client import NOT_FOUND, ServerClient, ServerRefusal
from songrec.store.db import now, write_with_retries
from songrec.store.tables import ServerOpinion

NOT_FOR_ME = 1
"""The rating, in stars, that counts as *not for me*."""
MOST_RATINGS = 200
"""Limit of ratings per exchange: each takes three requests. The others follow with the next."""
MOST_REFUSED = 3
"""Number of ratings not taken after which the exchange sends no more of them."""


def send_stars(
    session: Session,
    client: ServerClient,
    account_id: int,
    to_star: Mapping[int, str],
    to_unstar: Mapping[int, str],
) -> tuple[int, int]:
    """Star and unstar songs, given as their rows' and the server's ids. **Commits.**

    Returns the numbers of stars that the server has added and removed then. The others remain to
    be sent.
    """
    for remote_id in to_unstar.values():
        client.unstar([remote_id])
    for remote_id in to_star.values():
        client.star([remote_id])
    if not to_star and not to_unstar:
        return 0, 0
    stars = {song.id: song.starred_at or now() for song in client.starred()}
    taken = {row_id: stars[id_] for row_id, id_ in to_star.items() if id_ in stars}

    def write() -> None:
        for row_id, starred_at in taken.items():
            _opinion(session, account_id, row_id).starred_at = starred_at

    write_with_retries(session, write)
    return len(taken), sum(id_ not in stars for id_ in to_unstar.values())


def send_ratings(
    session: Session, client: ServerClient, account_id: int, ratings: Mapping[int, tuple[str, bool]]
) -> tuple[int, int, bool]:
    """Give ratings of one star, or take back those that songrec gave. **Commits** after each.

    ``ratings`` maps the rows of songs to the server's id and whether the song is disliked. A song
    whose rating has changed on the server since it was read is left alone: the next exchange reads
    the change.

    Returns the numbers of ratings given and taken back, and whether the server took all of them.
    """
    given = withdrawn = refused = 0
    for row_id, (remote_id, is_disliked) in islice(ratings.items(), MOST_RATINGS):
        before, after = (None, NOT_FOR_ME) if is_disliked else (NOT_FOR_ME, None)
        try:
            if client.song(remote_id).rating != before:
                continue
            client.rate(remote_id, after or 0)
            is_taken = client.song(remote_id).rating == after
        except ServerRefusal as error:
            if error.is_sign_in:
                raise
            if error.code == NOT_FOUND:
                continue
            is_taken = False
        if is_taken:
            write_with_retries(session, partial(_note, session, account_id, row_id, after))
            given, withdrawn = given + is_disliked, withdrawn + (not is_disliked)
        elif (refused := refused + 1) == MOST_REFUSED:
            break
    return given, withdrawn, not refused


def _note(session: Session, account_id: int, row_id: int, rating: int | None) -> None:
    opinion = _opinion(session, account_id, row_id)
    opinion.rating, opinion.is_rating_sent = rating, rating is not None


def _opinion(session: Session, account_id: int, row_id: int) -> ServerOpinion:
    opinion = session.get(ServerOpinion, (account_id, row_id))
    if opinion is None:
        opinion = ServerOpinion(account_id=account_id, server_track_id=row_id, play_count=0)
        session.add(opinion)
    return opinion
