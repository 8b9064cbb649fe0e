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
        metadata={"description": "Maximum number of items."},
    )


def cursor_field(pattern: str) -> fields.String:
    """Return the field for the position to continue from."""
    return fields.String(
        validate=validate.Regexp(pattern),
        metadata={"description": "The value of `next` in the previous response."},
    )


class PageArguments(ArgumentsSchema):
    """Position and length of a list, newest first."""

    limit = limit_field()
    cursor = cursor_field(keyset_pagination.BY_ID)


class TrackArguments(ArgumentsSchema):
    """Filters of the list of songs."""

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
        "__doc__": "Filters of the list of songs, including ranges of attributes.",
        **{
            f"{a.name}_{end}": fields.Float(metadata={"description": f"{a.label}: {end}imum."})
            for a in ATTRIBUTES
            for end in ("min", "max")
        },
    },
)


class ArtistArguments(ArgumentsSchema):
    """Search of artists."""

    q = fields.String(
        required=True,
        validate=validate.Length(min=1, max=200),
        metadata={"description": "Words of the name; the last may be incomplete."},
    )
    limit = limit_field()


class CountArguments(ArgumentsSchema):
    """Number of items."""

    n = fields.Integer(
        load_default=10,
        validate=validate.Range(1, 100),
        metadata={"description": "Number of items."},
    )


class SimilarArguments(CountArguments):
    """Comparison of similar songs."""

    by = fields.String(
        load_default=None,
        validate=validate.OneOf(COMPARISONS),
        metadata={
            "description": "best: the default recommendation method, with the song as the only "
            "like; sound: the sound alone, by several feature sets if most songs have sound, else "
            "like space; space: the audible attributes of the published run; features: weighted "
            "cosine of standardised features with one-hot key and mode; latent: the latent space "
            "of the run's model; a feature set: by its own distance, also without a run. The "
            "default is best, or sound in a library of audio files without playlists."
        },
    )
    timbre, rhythm, harmony, mood = (
        fields.Float(
            load_default=1.0,
            validate=validate.Range(0, MAX_WEIGHT),
            metadata={"description": f"Weight of {name}, with by=features."},
        )
        for name in GROUPS
    )


class LikeArguments(CountArguments):
    """Likes and dislikes to recommend from."""

    like = fields.List(
        fields.String(validate=validate.Length(1, 100)),
        validate=validate.Length(max=100),
        metadata={"description": f"Liked songs instead of your own. {TRACK_ID}"},
    )
    dislike = fields.List(
        fields.String(validate=validate.Length(1, 100)),
        validate=validate.Length(max=100),
        metadata={"description": f"Disliked songs, in addition to `like`. {TRACK_ID}"},
    )


class RowArguments(LikeArguments):
    """Numbers of rows, and of songs in each row."""

    rows = fields.Integer(
        load_default=6,
        validate=validate.Range(1, 20),
        metadata={"description": "Maximum number of rows."},
    )


class RecommendationArguments(LikeArguments):
    """Likes and options of recommendations."""

    method = fields.String(
        load_default=None,
        validate=validate.OneOf(METHODS.names()),
        metadata={
            "description": "By default the best method of the published run: additive_ranker, "
            "learned or taste. See docs/recommendations.md."
        },
    )
    discovery, variety, novelty, freshness = (
        fields.Float(
            load_default=0.0, validate=validate.Range(0, 1), metadata={"description": text}
        )
        for text in (
            "0 allows familiar artists, 1 prefers new ones; with additive_ranker only.",
            "1 prefers songs unlike each other.",
            "1 prefers little-known songs.",
            "1 prefers recent songs.",
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
        metadata={"description": "Seed of a random sample of the best songs."},
    )


class StationArguments(ArgumentsSchema):
    """Subject of a station, and position to continue from."""

    of = fields.String(
        load_default="",
        validate=validate.Length(max=300),
        metadata={
            "description": "A song's or playlist's id, an artist's name, a cluster's number, or a "
            "genre and an emotion separated by a comma; unused for likes and all."
        },
    )
    n = fields.Integer(
        load_default=20,
        validate=validate.Range(1, 100),
        metadata={"description": "Number of songs."},
    )
    audible = fields.Boolean(
        load_default=False, metadata={"description": "Whether to return only playable songs."}
    )
    cursor = cursor_field(CURSOR)


class PathArguments(ArgumentsSchema):
    """Length of a path."""

    between = fields.Integer(
        load_default=8,
        validate=validate.Range(1, 50),
        metadata={"description": "Number of songs between both ends."},
    )


class BlendArguments(CountArguments):
    """Songs to add and to subtract."""

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
        metadata={"description": "Songs to subtract."},
    )


class SkipArguments(ArgumentsSchema):
    """Position at which a song was left."""

    after = fields.Float(
        load_default=0.0,
        validate=validate.Range(0, MAX_SECONDS),
        metadata={"description": "Seconds into the song."},
    )


class FromAudioArguments(ArgumentsSchema):
    """Options of the answer to an upload."""

    top_n = fields.Integer(
        load_default=10,
        validate=validate.Range(1, 100),
        metadata={"description": "How many similar songs."},
    )
    wait = fields.Float(
        load_default=0.0,
        validate=validate.Range(0, 30),
        metadata={
            "description": "Seconds to wait for the result; after that, the job is returned."
        },
    )


class UploadArguments(ArgumentsSchema):
    """Options of the results of an upload."""

    top_n = fields.Integer(
        load_default=10,
        validate=validate.Range(1, 100),
        metadata={"description": "How many similar songs."},
    )


class SongFiles(ArgumentsSchema):
    """An audio file."""

    file = Upload(
        required=True,
        metadata={
            "description": "MP3, WAV, M4A, FLAC, OGG, Opus and most other audio formats.",
            "minLength": 1,
        },
    )


class ListFiles(ArgumentsSchema):
    """A file with a list of songs."""

    file = Upload(
        required=True,
        metadata={
            "description": "A playlist, a table, an export of a music service or of songrec; a ZIP "
            "of these.",
            "minLength": 1,
        },
    )


class RemoveTrackArguments(ArgumentsSchema):
    """Options of removing a song."""

    files = fields.Boolean(
        load_default=False,
        metadata={"description": "Whether to delete its file in an analysed folder, too."},
    )


class ImportArguments(ArgumentsSchema):
    """Options of an import."""

    kind = fields.String(
        load_default="auto",
        validate=validate.OneOf(tuple(KINDS)),
        data_key="as",
        metadata={"description": "Kind of the songs; auto: depending on the file."},
    )
    wait = fields.Float(
        load_default=20.0,
        validate=validate.Range(0, 30),
        metadata={
            "description": "Seconds to wait for the report; after that, the job is returned."
        },
    )


class PlaylistFileArguments(ArgumentsSchema):
    """Format of an exported playlist, and locations of its files."""

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
            "description": "Base folder of relative paths: a folder of the library (by default the "
            "library's own), or for admins any folder on the server."
        },
    )


class LikesArguments(ArgumentsSchema):
    """Filter of the list of reactions."""

    value = fields.String(validate=validate.OneOf(("like", "dislike")))
    limit = limit_field()
    cursor = cursor_field(keyset_pagination.BY_TIME)


class ReactionArguments(ArgumentsSchema):
    """A reaction to a song."""

    value = fields.String(load_default="like", validate=validate.OneOf(("like", "dislike")))
    weight = fields.Integer(
        validate=validate.OneOf(WEIGHTS),
        metadata={"description": "Weight of a like; by default unchanged, at first 1."},
    )


class RuleArguments(ArgumentsSchema):
    """A rule: an exclusion from recommendations, or a permission."""

    kind = fields.String(required=True, validate=validate.OneOf(RULE_KINDS))
    value = fields.String(
        required=True,
        validate=validate.Length(1, 600),
        metadata={
            "description": "The id of an artist or album, a genre, the id of a song in the folder; "
            "for `allowed`: seasonal or spoken-word."
        },
    )


class NewPlaylistArguments(ArgumentsSchema):
    """A new playlist."""

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
    """Songs to add."""

    tracks = fields.List(
        fields.String(validate=validate.Length(1, 100)),
        required=True,
        validate=validate.Length(1, 500),
        metadata={"description": "Public ids in order; unknown ones are left out."},
    )
