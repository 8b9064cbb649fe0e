"""Schemas of responses, with the descriptions of fields in the OpenAPI document."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from songrec.core.attributes import ATTRIBUTES
from songrec.store.tables.jobs import STATES


def text_field(description: str, *, optional: bool = False, **more: object) -> fields.String:
    """Return a text field; ``optional`` ones may be null."""
    return fields.String(
        required=True, allow_none=optional, metadata={"description": description, **more}
    )


def integer_field(description: str, *, optional: bool = False) -> fields.Integer:
    """Return an integer field."""
    return fields.Integer(required=True, allow_none=optional, metadata={"description": description})


def number_field(description: str, *, optional: bool = False) -> fields.Float:
    """Return a number field."""
    return fields.Float(required=True, allow_none=optional, metadata={"description": description})


def time_field(description: str, *, optional: bool = False) -> fields.DateTime:
    """Return a time field, in UTC."""
    return fields.DateTime(
        required=True, allow_none=optional, metadata={"description": description}
    )


def object_field(description: str, *, optional: bool = False) -> fields.Dict:
    """Return an object field without a further description."""
    return fields.Dict(required=True, allow_none=optional, metadata={"description": description})


def page_of(schema: type[ma.Schema]) -> type[ma.Schema]:
    """Return the schema of a list with a cursor."""
    name = schema.__name__.removesuffix("Schema")
    return ma.Schema.from_dict(
        {
            "items": fields.List(fields.Nested(schema), required=True),
            "next": text_field("Cursor of the next page; null at the end.", optional=True),
        },
        name=f"{name}ListSchema",
    )


AttributesSchema = ma.Schema.from_dict(
    {
        a.name: number_field(f"{a.help} From {a.low:g} to {a.high:g}.", optional=True)
        for a in ATTRIBUTES
    },
    name="AttributesSchema",
)


class PlaySchema(ma.Schema):
    """URLs of a track's sound."""

    media = text_field("The sound, with support of HTTP range requests.")
    type = text_field("Its media type, for browsers' `canPlayType`.")
    transcoded = text_field("The sound as Opus in Ogg or MP3 (`?format=opus`, `?format=mp3`).")
    waveform = text_field("The peaks of the waveform, as JSON.")
    cover = text_field("The cover picture in the file, if any.", optional=True)
    duration_s = number_field("Duration in seconds.", optional=True)


class CreditSchema(ma.Schema):
    """A credited artist of a song."""

    id = text_field("The artist's public id.")
    name = text_field("The artist's name in the credits of this song.")
    role = text_field("main or featured.", enum=["main", "featured"])
    joiner = text_field("The text between this name and the next.")


class TrackSchema(ma.Schema):
    """A song of the catalogue."""

    id = text_field("The permanent public id, which is also in URLs.")
    external_id = text_field("The catalogue's own id.", optional=True)
    title = text_field("Title.")
    artists = text_field("The artist line, composed of the credits.")
    credits = fields.List(
        fields.Nested(CreditSchema), required=True, metadata={"description": "Its artists."}
    )
    album = text_field("Album.", optional=True)
    album_id = text_field("The album's public id.", optional=True)
    genre = text_field("Genres in the catalogue.", optional=True)
    emotion = text_field("Emotion in the catalogue.", optional=True)
    year = integer_field("Year of release.", optional=True)
    duration_ms = integer_field("Duration in milliseconds.", optional=True)
    key = integer_field("Pitch class, 0 is C.", optional=True)
    mode = integer_field("1 is major, 0 minor.", optional=True)
    key_name = text_field("Key and mode in words.", optional=True)
    attributes = fields.Nested(
        AttributesSchema, required=True, metadata={"description": "Attributes; null if unknown."}
    )
    cluster = integer_field(
        "Number of its cluster in the published run; -1 for noise.", optional=True
    )
    confidence = number_field("Confidence of its cluster, from 0 to 1.", optional=True)
    x = number_field("Coordinate on the map.", optional=True)
    y = number_field("Coordinate on the map.", optional=True)
    audio = fields.Nested(
        PlaySchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null for a song without audio."},
    )
    address = text_field("Its page.")


class AlbumSchema(ma.Schema):
    """An album; its songs are in `/albums/ID/tracks`."""

    id = text_field("The public id.")
    title = text_field("Title.")
    artist = text_field("The album's artist.", optional=True)
    artist_id = text_field("The artist's public id.", optional=True)
    year = integer_field("Year of release.", optional=True)
    tracks = integer_field("Number of songs.")
    address = text_field("Its page.")


class SimilarArtistSchema(ma.Schema):
    """An artist whose songs are on average like another's."""

    id = text_field("The public id.")
    name = text_field("Name.")
    distance = number_field("Distance of both artists' means; two random songs have 1.")
    why = text_field("Common traits of both.")


class ArtistSchema(ma.Schema):
    """An artist; the songs are in `/artists/ID/tracks`."""

    id = text_field("The permanent public id, which is also in URLs.")
    name = text_field("Name.")
    musicbrainz_id = text_field("MusicBrainz id from the tags of files, if any.", optional=True)
    tracks = integer_field("Number of songs that credit the artist.")
    albums = fields.List(fields.Nested(AlbumSchema), required=True)
    similar = fields.List(fields.Nested(SimilarArtistSchema), required=True)
    address = text_field("Its page.")


class ArtistSummarySchema(ma.Schema):
    """An artist in a list; the details are in `/artists/ID`."""

    id = text_field("The permanent public id, which is also in URLs.")
    name = text_field("Name.")
    tracks = integer_field("Number of songs that credit the artist.")
    address = text_field("Its page.")


class ArtistsSchema(ma.Schema):
    """Artists whose name matches a search: exact names first, then by number of songs."""

    items = fields.List(fields.Nested(ArtistSummarySchema), required=True)


class TracksSchema(ma.Schema):
    """Songs of an artist or an album, at most 500."""

    items = fields.List(fields.Nested(TrackSchema), required=True)


class ReasonSchema(ma.Schema):
    """One part of a score."""

    kind = text_field("liked, disliked, feature, target, tag, prior, seed or rerank.")
    text = text_field("The reason as a sentence.")
    contribution = number_field("Contribution to the score, which is the sum of all contributions.")
    about = text_field("The public id of the song or the name of the feature.", optional=True)
    details = object_field("The figures of the reason.")


class MatchSchema(ma.Schema):
    """A song with its reasons; `per_like` splits the score over the liked or blended songs."""

    track_id = text_field("The song's public id.")
    external_id = text_field("The catalogue's own id.", optional=True)
    title = text_field("Title.")
    artists = text_field("Artists, separated by commas.")
    track = fields.Nested(TrackSchema, required=True)
    score = number_field("Higher is better.")
    why = text_field("The main reason as a sentence; empty without a notable trait.")
    reasons = fields.List(fields.Nested(ReasonSchema), required=True)
    per_like = fields.List(fields.Nested(ReasonSchema), required=True)
    segment = object_field(
        "By `segments`: the moment (start_s, seconds, tags, d, made_by).", optional=True
    )
    fragment = object_field("The former name of `segment`.", optional=True)


class MatchesSchema(ma.Schema):
    """Songs, best first."""

    items = fields.List(fields.Nested(MatchSchema), required=True)


class RecommendationsSchema(MatchesSchema):
    """Songs, best first, and the method."""

    method = text_field("The method or comparison used; null if there was none.", optional=True)


class RecommendationRowSchema(MatchesSchema):
    """Songs because of a like or a group of likes."""

    title = text_field("Because you like …")
    likes = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Public ids of the liked songs, newest first."},
    )


class RecommendationRowsSchema(ma.Schema):
    """Rows of recommendations, the newest like first, with each song in one row only."""

    rows = fields.List(fields.Nested(RecommendationRowSchema), required=True)
    method = text_field("The method used; null if there was none.", optional=True)


class ClusterSchema(ma.Schema):
    """A cluster of the published run."""

    number = integer_field("0 for the largest cluster; -1 for noise.")
    name = text_field("Its name.")
    size = integer_field("Number of songs.")
    median = object_field("The median of each attribute.")
    share = object_field("Share of the catalogue below that median, 0 to 1.")
    typical = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Public ids of the songs nearest the centre, nearest first."},
    )
    address = text_field("Its page.")


class ClustersSchema(ma.Schema):
    """The clusters of the published run, largest first."""

    run_id = text_field("The published run; null without one.", optional=True)
    items = fields.List(fields.Nested(ClusterSchema), required=True)


class ReactionSchema(ma.Schema):
    """A listener's reaction to a song."""

    track_id = text_field("The song's public id.")
    value = fields.String(required=True, validate=validate.OneOf(("like", "dislike")))
    weight = integer_field("Weight of a like: 1, 2 or 3; 1 for a dislike.")
    since = time_field("Time of the reaction.")


class SkipSchema(ma.Schema):
    """A song that was left within its first seconds."""

    track_id = text_field("The song's public id.")
    times = integer_field("Number of skips.")
    last = time_field("Time of the last skip.")


class SkipsSchema(ma.Schema):
    """Skipped songs, the latest first."""

    items = fields.List(fields.Nested(SkipSchema), required=True)


class RuleSchema(ma.Schema):
    """A rule for your recommendations."""

    id = integer_field("The rule's number.")
    kind = text_field("Excluded: artist, album, genre, folder; or allowed.")
    label = text_field("The name of the rule's subject.")
    created_at = time_field("Time of creation.")


class RulesSchema(ma.Schema):
    """Your rules, the newest first."""

    items = fields.List(fields.Nested(RuleSchema), required=True)


class MixSummarySchema(ma.Schema):
    """A playlist made for you and updated on a schedule."""

    id = text_field("The id, which is also in URLs; kind and number for a mix that is not stored.")
    kind = text_field("because, new, daily, rediscover, mood, path or radio.")
    name = text_field("Its name.")
    comment = text_field("The reason for its songs in one sentence.")
    songs = integer_field("Number of songs.")
    made_at = time_field(
        "Time of the last renewal; null for a mix that is not stored.", optional=True
    )
    next_at = time_field("Time of the next renewal; null without a schedule.", optional=True)
    schedule = text_field("Five fields of cron; empty if it is only renewed on request.")
    time_zone = text_field("The time zone of the schedule.", optional=True)
    address = text_field("Its page.")


class MixesSchema(ma.Schema):
    """Your mixes; if none is stored, previews of the default ones."""

    items = fields.List(fields.Nested(MixSummarySchema), required=True)


class MixSongSchema(ma.Schema):
    """A song of a mix."""

    track_id = text_field("The song's public id.")
    track = fields.Nested(TrackSchema, required=True)
    why = text_field("The reason as a sentence.")


class MixSchema(MixSummarySchema):
    """A mix with its songs, in order."""

    items = fields.List(fields.Nested(MixSongSchema), required=True)


class ListenSchema(ma.Schema):
    """A play in songrec or from an imported history."""

    track_id = text_field(
        "The song's public id; null if it is not in the catalogue.", optional=True
    )
    title = text_field("The title in the history.")
    artists = text_field("The artists in the history.")
    played_at = time_field("Time of the play.", optional=True)
    times = integer_field(
        "1, or the total of plays up to that time if the history only has totals."
    )
    ms_played = integer_field("Played milliseconds.", optional=True)
    skipped = fields.Boolean(
        required=True, metadata={"description": "Whether it was left within 30 seconds."}
    )
    source = text_field("Source of the history.")


class ImportedPlaylistSchema(ma.Schema):
    """A playlist of an imported file."""

    name = text_field("Its name.")
    songs = integer_field("Number of its songs in the catalogue.")
    missing = integer_field("Number of its missing songs.")
    new = fields.Boolean(required=True, metadata={"description": "Whether it is a new playlist."})


class RefusedLineSchema(ma.Schema):
    """An unusable line of an imported file."""

    line = integer_field("Line, or number of the entry.")
    reason = text_field("The reason.")


class StationSchema(MatchesSchema):
    """The next songs of a station."""

    title = text_field("Its title.")
    next = text_field("Cursor of the next songs; null at the end.", optional=True)


class PathSchema(MatchesSchema):
    """Songs from one to another, both included."""

    lengths = fields.List(
        fields.Float(),
        required=True,
        metadata={"description": "Distance of each song from the one before, in the latent space."},
    )
    unevenness = number_field("Standard deviation of the lengths over their mean; 0 is even.")


class TokenSchema(ma.Schema):
    """The token of a request, without its secret."""

    account = text_field("Name of its account.")
    name = text_field("Name.")
    scopes = fields.List(
        fields.String(validate=validate.OneOf(("read", "write"))),
        required=True,
        metadata={"description": "Permissions."},
    )
    created_at = time_field("Time of creation.")
    expires_at = time_field("Time of expiry; null if it does not expire.", optional=True)


class PlaylistSchema(ma.Schema):
    """A playlist without its songs."""

    id = text_field("The public id.")
    name = text_field("Name.")
    description = text_field("Description.")
    mine = fields.Boolean(required=True, metadata={"description": "Whether you may change it."})
    size = integer_field("Number of songs.")
    created_at = time_field("Time of creation.")
    address = text_field("Its page.")


class FullPlaylistSchema(PlaylistSchema):
    """A playlist with its songs in order."""

    tracks = fields.List(fields.Nested(TrackSchema), required=True)


class RunSchema(ma.Schema):
    """A finished training run, of which only the name may change."""

    id = text_field("Its id.")
    name = text_field("Its display name.")
    created_at = time_field("Time of the training.")
    published = fields.Boolean(
        required=True, metadata={"description": "Whether it is the published run."}
    )
    feature_set = text_field("Feature set of the training.")
    representation = text_field("The model.")
    clustering = text_field("The clustering.")
    projection = text_field("The projection onto the map.")
    seed = integer_field("Random seed.")
    tracks = integer_field("Number of songs.")
    clusters = integer_field("Number of clusters.")
    parameters = object_field("All parameters by stage.")
    metrics = object_field("Metrics by name.")
    seconds = object_field("Duration of each stage in seconds.")


class JobSchema(ma.Schema):
    """A background job."""

    id = text_field("Its id.")
    kind = text_field("Kind of job.")
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    progress = number_field("From 0 to 1.")
    message = text_field("Progress as a sentence.")
    error = text_field("Reason of a failure.", optional=True)
    result = object_field("Result of a finished job.", optional=True)
    created_at = time_field("Time of queueing.")
    started_at = time_field("Time of the start.", optional=True)
    finished_at = time_field("Time of the end.", optional=True)
    address = text_field("URL to poll.")


class ImportSchema(ma.Schema):
    """Report of an import."""

    format = text_field("Format of the file; empty if it could not be read.")
    problem = text_field("Reason why the file could not be read.", optional=True)
    likes = integer_field("New likes.")
    dislikes = integer_field("New dislikes.")
    skips = integer_field("New skips.")
    plays = integer_field("New plays.")
    playlists = fields.List(fields.Nested(ImportedPlaylistSchema), required=True)
    mixes = integer_field("New mixes, from an export of songrec.")
    decisions = integer_field("New decisions on unsure songs, from an export of songrec.")
    unchanged = integer_field("Entries that existed already, or contradict an earlier reaction.")
    matched = object_field(
        "Number of entries matched by id, isrc, path, names, guests, similar, decision."
    )
    matched_songs = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The first of them, with their names in the catalogue."},
    )
    sureness = object_field("Sureness of each way of matching, from 0 to 1.")
    unsure = integer_field(
        "Songs with candidates in the catalogue for the listener to choose from."
    )
    unsure_songs = fields.List(fields.String(), required=True)
    missing = integer_field(
        "Songs that are not in the catalogue; they are stored to be matched later."
    )
    missing_songs = fields.List(fields.String(), required=True)
    refused = fields.List(fields.Nested(RefusedLineSchema), required=True)
    passed_over = object_field("Numbers of entries that are not songs.")
    notes = fields.List(fields.String(), required=True)
    contradictions = fields.List(fields.String(), required=True)
    job = fields.Nested(
        JobSchema,
        required=True,
        allow_none=True,
        metadata={"description": "The job that imports a longer list, else null."},
    )


class HealthSchema(ma.Schema):
    """State of this songrec."""

    status = fields.String(
        required=True, validate=validate.OneOf(("ok",)), metadata={"description": "Always ok."}
    )
    version = text_field("The version of songrec.")
    tracks = integer_field(
        "Number of songs in the catalogue; null without a database.", optional=True
    )
    run_id = text_field("The published run; null before the first one.", optional=True)
    worker = fields.Boolean(required=True, metadata={"description": "Whether a worker runs."})


class HeardAttributeSchema(ma.Schema):
    """One attribute of an uploaded song."""

    value = number_field("On the catalogue's scale.")
    source = text_field(
        "measured, or an estimate: predicted or vibenet, from the sound, or musicnn, from tags."
    )


class PlaceSchema(ma.Schema):
    """Place of an uploaded song in the published run, by the run's model and map."""

    run_id = text_field("The run.")
    cluster = integer_field("Number of the nearest cluster; -1 for noise.")
    confidence = number_field("Confidence of the cluster, from 0 to 1.")
    x = number_field("Coordinate on the map.")
    y = number_field("Coordinate on the map.")
    guessed = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Unknown features, which were replaced by the run's median."},
    )


class AudioAnswerSchema(ma.Schema):
    """An uploaded song, its job, and the results of a finished job."""

    id = text_field("Id of the upload, which is deleted after an hour.")
    job = fields.Nested(JobSchema, required=True)
    title = text_field("Title, from the tags or the file's name.", optional=True)
    artists = text_field("Artists, from the tags.", optional=True)
    seconds = number_field("Duration in seconds.", optional=True)
    attributes = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(HeardAttributeSchema),
        required=True,
        allow_none=True,
        metadata={"description": "Attributes by name, including key and mode."},
    )
    place = fields.Nested(PlaceSchema, required=True, allow_none=True)
    problem = text_field("Reason why it was not compared, if so.", optional=True)
    recommendations = fields.List(
        fields.Nested(MatchSchema),
        required=True,
        allow_none=True,
        metadata={"description": "Similar songs, nearest first; null until analysed."},
    )
    address = text_field("URL to poll.")
