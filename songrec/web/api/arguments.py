"""The arguments of all requests, field by field: the API's description comes from these."""

from __future__ import annotations

import marshmallow as ma
from flask import request
from flask_smorest.fields import Upload
from marshmallow import fields, validate
from werkzeug.exceptions import UnprocessableEntity

from songrec.core.attributes import ATTRIBUTES
from songrec.services.listeners.import_export import KINDS
from songrec.services.listeners.playlist_export import FORMATS, LOCATIONS
from songrec.services.recommendation.options import MAX_PER_ARTIST, METHODS
from songrec.services.recommendation.recommend import COMPARISONS
from songrec.services.recommendation.song_page import GROUPS, MAX_WEIGHT
from songrec.services.recommendation.stations import CURSOR
from songrec.store.catalogue import keyset_pagination
from songrec.store.listeners.reactions import WEIGHTS
from songrec.store.listeners.recommendation_rules import KINDS as RULE_KINDS
from songrec.store.listeners.skips import MAX_SECONDS

LIMIT = 200
TRACK_ID = "A public id (from a song's address) or the catalogue's own id, such as Spotify's."


class ArgumentsSchema(ma.Schema):
    """Base of all arguments: a name that is not known is an error, not a silence."""

    class Meta:
        """marshmallow's settings."""

        unknown = ma.RAISE


def refuse_form_fields() -> None:
    """Raise ``UnprocessableEntity`` for fields that come with the files of a form."""
    if more := set(request.form) - {"csrf_token"}:
        raise UnprocessableEntity(f"The form has fields that mean nothing: {sorted(more)}.")


def limit_field(default: int = 50) -> fields.Integer:
    """Return the field for the number of items."""
    return fields.Integer(
        load_default=default,
        validate=validate.Range(1, LIMIT),
        metadata={"description": "How many at most."},
    )


def cursor_field(pattern: str) -> fields.String:
    """Return the field for the position to continue from."""
    return fields.String(
        validate=validate.Regexp(pattern),
        metadata={"description": "What the answer before gave as `next`."},
    )


class PageArguments(ArgumentsSchema):
    """A list by newest first."""

    limit = limit_field()
    cursor = cursor_field(keyset_pagination.BY_ID)


class TrackArguments(ArgumentsSchema):
    """How to narrow the list of songs."""

    q = fields.String(
        load_default="",
        validate=validate.Length(max=200),
        metadata={"description": "Words in title, artists, album or genre."},
    )
    genre = fields.String(load_default="", validate=validate.Length(max=200))
    emotion = fields.String(load_default="", validate=validate.Length(max=100))
    cluster = fields.Integer(validate=validate.Range(-1, 10_000))
    limit = limit_field()
    cursor = cursor_field(keyset_pagination.BY_TITLE)


RangeArguments = type(
    "RangeArguments",
    (TrackArguments,),
    {
        "__doc__": "How to narrow the list of songs, ranges of attributes included.",
        **{
            f"{a.name}_{end}": fields.Float(
                metadata={"description": f"{a.label} of at {'least' if end == 'min' else 'most'}."}
            )
            for a in ATTRIBUTES
            for end in ("min", "max")
        },
    },
)


class ArtistArguments(ArgumentsSchema):
    """Which artists to list."""

    q = fields.String(
        required=True,
        validate=validate.Length(min=1, max=200),
        metadata={"description": "Words of the name; the last may be a beginning."},
    )
    limit = limit_field()


class CountArguments(ArgumentsSchema):
    """How many to answer."""

    n = fields.Integer(
        load_default=10, validate=validate.Range(1, 100), metadata={"description": "How many."}
    )


class SimilarArguments(CountArguments):
    """What to compare by."""

    by = fields.String(
        load_default=None,
        validate=validate.OneOf(COMPARISONS),
        metadata={
            "description": "best: the method that recommends best in the published run, with the "
            "song alone liked; sound: what can be heard, nothing else: several feature sets at "
            "once where most songs have sound, else space; space: the run's attributes that can be "
            "heard; features: cosine over standardised "
            "features with one-hot key and mode, weighed; latent: what the run's model learnt; "
            "a feature set: by its own distance, no run needed. By default best, or sound in a "
            "library of sound files without playlists."
        },
    )
    timbre, rhythm, harmony, mood = (
        fields.Float(
            load_default=1.0,
            validate=validate.Range(0, MAX_WEIGHT),
            metadata={"description": f"Weight of {name}; counts with by=features."},
        )
        for name in GROUPS
    )


class LikeArguments(CountArguments):
    """What to recommend from."""

    like = fields.List(
        fields.String(validate=validate.Length(1, 100)),
        validate=validate.Length(max=100),
        metadata={"description": f"Liked songs instead of your own. {TRACK_ID}"},
    )
    dislike = fields.List(
        fields.String(validate=validate.Length(1, 100)),
        validate=validate.Length(max=100),
        metadata={"description": f"Disliked songs, beside `like`. {TRACK_ID}"},
    )


class RowArguments(LikeArguments):
    """How many rows, and how many songs in each."""

    rows = fields.Integer(
        load_default=6,
        validate=validate.Range(1, 20),
        metadata={"description": "How many rows at most."},
    )


class RecommendationArguments(LikeArguments):
    """What to recommend from and how."""

    method = fields.String(
        load_default=None,
        validate=validate.OneOf(METHODS.names()),
        metadata={
            "description": "Without one the best that the published run has: additive_ranker, "
            "learned or taste. See docs/recommendations.md."
        },
    )
    discovery, variety, novelty, freshness = (
        fields.Float(
            load_default=0.0, validate=validate.Range(0, 1), metadata={"description": text}
        )
        for text in (
            "0 is what goes with the likes, 1 artists that are new; with additive_ranker only.",
            "0 is close to the likes, 1 varied.",
            "1 prefers what is seldom played.",
            "1 prefers recent years.",
        )
    )
    per_artist = fields.Integer(
        load_default=MAX_PER_ARTIST,
        validate=validate.Range(0, 1000),
        metadata={"description": "Maximum number of songs by one artist; 0 for any number."},
    )
    surprise = fields.Integer(
        load_default=None,
        validate=validate.Range(0, 2**31),
        metadata={"description": "Draws from the good ones by this number."},
    )


class StationArguments(ArgumentsSchema):
    """What a station is around, and where to go on."""

    of = fields.String(
        load_default="",
        validate=validate.Length(max=300),
        metadata={
            "description": "A song's or playlist's id, an artist's name, a cluster's number, or a "
            "genre and an emotion with a comma between; nothing for likes and all."
        },
    )
    n = fields.Integer(
        load_default=20, validate=validate.Range(1, 100), metadata={"description": "How many."}
    )
    audible = fields.Boolean(
        load_default=False, metadata={"description": "Only songs that can be heard."}
    )
    cursor = cursor_field(CURSOR)


class PathArguments(ArgumentsSchema):
    """How many songs lie between."""

    between = fields.Integer(
        load_default=8,
        validate=validate.Range(1, 50),
        metadata={"description": "Songs between the two."},
    )


class BlendArguments(CountArguments):
    """What to add and what to take away."""

    add = fields.List(
        fields.String(validate=validate.Length(1, 100)),
        required=True,
        validate=validate.Length(1, 20),
        metadata={"description": f"Songs to add; repeat it for several. {TRACK_ID}"},
    )
    subtract = fields.List(
        fields.String(validate=validate.Length(1, 100)),
        load_default=list,
        validate=validate.Length(max=20),
        metadata={"description": "Songs to take away."},
    )


class SkipArguments(ArgumentsSchema):
    """When a song was left."""

    after = fields.Float(
        load_default=0.0,
        validate=validate.Range(0, MAX_SECONDS),
        metadata={"description": "Seconds into the song."},
    )


class FromAudioArguments(ArgumentsSchema):
    """How to answer a song."""

    top_n = fields.Integer(
        load_default=10,
        validate=validate.Range(1, 100),
        metadata={"description": "How many similar songs."},
    )
    wait = fields.Float(
        load_default=0.0,
        validate=validate.Range(0, 30),
        metadata={"description": "Seconds to wait for the answer before a job is given instead."},
    )


class UploadArguments(ArgumentsSchema):
    """How to answer a song that was sent before."""

    top_n = fields.Integer(
        load_default=10,
        validate=validate.Range(1, 100),
        metadata={"description": "How many similar songs."},
    )


class SongFiles(ArgumentsSchema):
    """A song."""

    file = Upload(
        required=True,
        metadata={
            "description": "MP3, WAV, M4A, FLAC, OGG, Opus and most other sound files.",
            "minLength": 1,
        },
    )


class ListFiles(ArgumentsSchema):
    """A list of songs."""

    file = Upload(
        required=True,
        metadata={
            "description": "A playlist, a table, an export of a music service or of songrec; a ZIP "
            "of these.",
            "minLength": 1,
        },
    )


class RemoveTrackArguments(ArgumentsSchema):
    """What goes with a song."""

    files = fields.Boolean(
        load_default=False,
        metadata={"description": "Whether its file in an analysed folder is deleted, too."},
    )


class ImportArguments(ArgumentsSchema):
    """What a list becomes."""

    kind = fields.String(
        load_default="auto",
        validate=validate.OneOf(tuple(KINDS)),
        data_key="as",
        metadata={"description": "What the songs become; auto: what the file is."},
    )
    wait = fields.Float(
        load_default=20.0,
        validate=validate.Range(0, 30),
        metadata={"description": "Seconds to wait for a job's report before the job is given."},
    )


class PlaylistFileArguments(ArgumentsSchema):
    """What an exported playlist names its files by."""

    format = fields.String(load_default="m3u8", validate=validate.OneOf(tuple(FORMATS)))
    files = fields.String(
        load_default="relative",
        validate=validate.OneOf(tuple(LOCATIONS)),
        metadata={
            "description": "relative: paths from `root`; absolute: full paths on the server, for "
            "admins; stream: addresses with the playlist's key; pages: no files."
        },
    )
    root = fields.String(
        load_default="",
        validate=validate.Length(max=500),
        metadata={
            "description": "The folder that relative paths start from: one in the library (empty: "
            "the library's own), or for admins any on the server."
        },
    )


class LikesArguments(ArgumentsSchema):
    """Which reactions to list."""

    value = fields.String(validate=validate.OneOf(("like", "dislike")))
    limit = limit_field()
    cursor = cursor_field(keyset_pagination.BY_TIME)


class ReactionArguments(ArgumentsSchema):
    """What to think of a song."""

    value = fields.String(load_default="like", validate=validate.OneOf(("like", "dislike")))
    weight = fields.Integer(
        validate=validate.OneOf(WEIGHTS),
        metadata={"description": "How much a like counts; what it was unless named, at first 1."},
    )


class RuleArguments(ArgumentsSchema):
    """What is never to be recommended, or what to allow."""

    kind = fields.String(required=True, validate=validate.OneOf(RULE_KINDS))
    value = fields.String(
        required=True,
        validate=validate.Length(1, 600),
        metadata={
            "description": "The id of an artist or album, a genre, the id of a song in the folder; "
            "of `allowed`: seasonal or spoken-word."
        },
    )


class NewPlaylistArguments(ArgumentsSchema):
    """A playlist to be made."""

    name = fields.String(
        required=True,
        validate=[validate.Length(1, 200), validate.Regexp(r"^[\s\S]*\w")],
        metadata={"description": "At least one letter or digit."},
    )
    description = fields.String(load_default="", validate=validate.Length(max=500))
    tracks = fields.List(
        fields.String(validate=validate.Length(1, 100)),
        load_default=list,
        validate=validate.Length(max=500),
        metadata={"description": "Public ids in order; unknown ones are left out."},
    )


class TracksArguments(ArgumentsSchema):
    """Songs to be added."""

    tracks = fields.List(
        fields.String(validate=validate.Length(1, 100)),
        required=True,
        validate=validate.Length(1, 500),
        metadata={"description": "Public ids in order; unknown ones are left out."},
    )
