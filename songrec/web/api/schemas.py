"""What goes in and out, field by field: the description is made from these."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from songrec.core.attributes import ATTRIBUTES
from songrec.store.tables.jobs import STATES


def written(description: str, *, optional: bool = False, **more: object) -> fields.String:
    """Return a text field; ``optional`` ones may be null."""
    return fields.String(
        required=True, allow_none=optional, metadata={"description": description, **more}
    )


def whole(description: str, *, optional: bool = False) -> fields.Integer:
    """Return an integer field."""
    return fields.Integer(required=True, allow_none=optional, metadata={"description": description})


def number(description: str, *, optional: bool = False) -> fields.Float:
    """Return a number field."""
    return fields.Float(required=True, allow_none=optional, metadata={"description": description})


def moment(description: str, *, optional: bool = False) -> fields.DateTime:
    """Return a time field, in UTC."""
    return fields.DateTime(
        required=True, allow_none=optional, metadata={"description": description}
    )


def free(description: str, *, optional: bool = False) -> fields.Dict:
    """Return an object field without a further description."""
    return fields.Dict(required=True, allow_none=optional, metadata={"description": description})


def page_of(schema: type[ma.Schema]) -> type[ma.Schema]:
    """Return the schema of a list with a cursor."""
    name = schema.__name__.removesuffix("Schema")
    return ma.Schema.from_dict(
        {
            "items": fields.List(fields.Nested(schema), required=True),
            "next": written("The cursor of the next part; null at the end.", optional=True),
        },
        name=f"{name}ListSchema",
    )


AttributesSchema = ma.Schema.from_dict(
    {a.name: number(f"{a.help} From {a.low:g} to {a.high:g}.", optional=True) for a in ATTRIBUTES},
    name="AttributesSchema",
)


class PlaySchema(ma.Schema):
    """Where a track can be heard."""

    media = written("The sound, with HTTP range requests.")
    type = written("Its media type, as browsers' `canPlayType` takes it.")
    transcoded = written("The sound as Opus in Ogg or MP3 (`?format=opus`, `?format=mp3`).")
    waveform = written("The peaks of the waveform, as JSON.")
    cover = written("The cover art, where the file holds one.", optional=True)
    duration_s = number("Seconds.", optional=True)


class CreditSchema(ma.Schema):
    """An artist that a song credits."""

    id = written("The artist's public id.")
    name = written("The name as this song spells it.")
    role = written("main or featured.", enum=["main", "featured"])
    joiner = written("The text between this name and the next.")


class TrackSchema(ma.Schema):
    """A song of the catalogue."""

    id = written("The public id: it stands in addresses and stays.")
    external_id = written("The catalogue's own id.", optional=True)
    title = written("Title.")
    artists = written("The artist line, composed of the credits.")
    credits = fields.List(
        fields.Nested(CreditSchema), required=True, metadata={"description": "Its artists."}
    )
    album = written("Album.", optional=True)
    album_id = written("The album's public id.", optional=True)
    genre = written("Genres as the catalogue gives them.", optional=True)
    emotion = written("Emotion as the catalogue gives it.", optional=True)
    year = whole("Year of release.", optional=True)
    duration_ms = whole("Milliseconds.", optional=True)
    key = whole("Pitch class, 0 is C.", optional=True)
    mode = whole("1 is major, 0 minor.", optional=True)
    key_name = written("Key and mode in words.", optional=True)
    attributes = fields.Nested(
        AttributesSchema, required=True, metadata={"description": "Null where unknown."}
    )
    cluster = whole("Number of its cluster in the published run; -1 is none.", optional=True)
    confidence = number("How surely it belongs there, from 0 to 1.", optional=True)
    x = number("Place on the map.", optional=True)
    y = number("Place on the map.", optional=True)
    audio = fields.Nested(
        PlaySchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null for a song without audio."},
    )
    address = written("Its page.")


class AlbumSchema(ma.Schema):
    """An album; its songs are in `/albums/ID/tracks`."""

    id = written("The public id.")
    title = written("Title.")
    artist = written("Whose album it is.", optional=True)
    artist_id = written("That artist's public id.", optional=True)
    year = whole("Year of release.", optional=True)
    tracks = whole("Number of songs.")
    address = written("Its page.")


class SimilarArtistSchema(ma.Schema):
    """An artist whose songs are on average like another's."""

    id = written("The public id.")
    name = written("Name.")
    distance = number("Distance of the means of both; 1 is as far as two random songs.")
    why = written("What both share.")


class ArtistSchema(ma.Schema):
    """An artist; the songs are in `/artists/ID/tracks`."""

    id = written("The public id: it stands in addresses and stays.")
    name = written("Name.")
    musicbrainz_id = written("MusicBrainz id, where tags of files give it.", optional=True)
    tracks = whole("Number of songs that credit the artist.")
    albums = fields.List(fields.Nested(AlbumSchema), required=True)
    similar = fields.List(fields.Nested(SimilarArtistSchema), required=True)
    address = written("Its page.")


class ArtistSummarySchema(ma.Schema):
    """An artist in a list; more is at `/artists/ID`."""

    id = written("The public id: it stands in addresses and stays.")
    name = written("Name.")
    tracks = whole("Number of songs that credit the artist.")
    address = written("Its page.")


class ArtistsSchema(ma.Schema):
    """Artists whose name matches a search, the exact name first, then those with most songs."""

    items = fields.List(fields.Nested(ArtistSummarySchema), required=True)


class TracksSchema(ma.Schema):
    """Songs of an artist or an album, at most 500."""

    items = fields.List(fields.Nested(TrackSchema), required=True)


class ReasonSchema(ma.Schema):
    """One part of a score."""

    kind = written("liked, disliked, feature, target, tag, prior, seed or rerank.")
    text = written("As a listener reads it.")
    contribution = number("What it adds; over a match the contributions are the score.")
    about = written("The public id of the song or the name of the feature.", optional=True)
    details = free("The figures behind the words.")


class MatchSchema(ma.Schema):
    """A song that was found, and why; `per_like` splits the score over what is liked or blended."""

    track_id = written("The song's public id.")
    external_id = written("The catalogue's own id.", optional=True)
    title = written("Title.")
    artists = written("Artists, separated by commas.")
    track = fields.Nested(TrackSchema, required=True)
    score = number("Higher is better.")
    why = written("The main reason as a sentence; empty where no trait stands out.")
    reasons = fields.List(fields.Nested(ReasonSchema), required=True)
    per_like = fields.List(fields.Nested(ReasonSchema), required=True)
    segment = free("By `segments`: the moment (start_s, seconds, tags, d, made_by).", optional=True)
    fragment = free("The former name of `segment`.", optional=True)


class MatchesSchema(ma.Schema):
    """What was found, best first."""

    items = fields.List(fields.Nested(MatchSchema), required=True)


class RecommendationsSchema(MatchesSchema):
    """What was found, best first, and by which method."""

    method = written(
        "The method or comparison that answered; null where none was asked.", optional=True
    )


class RecommendationRowSchema(MatchesSchema):
    """Songs because of a like or a group of likes."""

    title = written("Because you like …")
    likes = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Public ids of the liked songs, newest first."},
    )


class RecommendationRowsSchema(ma.Schema):
    """Rows of recommendations, that of the newest like first; no song stands in two."""

    rows = fields.List(fields.Nested(RecommendationRowSchema), required=True)
    method = written("The method that answered; null where none was asked.", optional=True)


class ClusterSchema(ma.Schema):
    """A cluster of the published run."""

    number = whole("0 is the largest; -1 holds what fits no cluster.")
    name = written("Its name.")
    size = whole("How many songs.")
    median = free("The median of each attribute.")
    share = free("Share of the catalogue below that median, 0 to 1.")
    typical = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Public ids of the songs nearest the centre, nearest first."},
    )
    address = written("Its page.")


class ClustersSchema(ma.Schema):
    """The clusters of the published run, largest first."""

    run_id = written("The published run; null where none is.", optional=True)
    items = fields.List(fields.Nested(ClusterSchema), required=True)


class ReactionSchema(ma.Schema):
    """What a listener thinks of a song."""

    track_id = written("The song's public id.")
    value = fields.String(required=True, validate=validate.OneOf(("like", "dislike")))
    weight = whole("How much a like counts: 1, 2 or 3; 1 for a dislike.")
    since = moment("When it was given.")


class SkipSchema(ma.Schema):
    """A song that was left within its first seconds."""

    track_id = written("The song's public id.")
    times = whole("How often.")
    last = moment("When it happened last.")


class SkipsSchema(ma.Schema):
    """What was skipped, the latest first."""

    items = fields.List(fields.Nested(SkipSchema), required=True)


class RuleSchema(ma.Schema):
    """A rule about what is recommended to you."""

    id = whole("The rule's number.")
    kind = written("What is never recommended: artist, album, genre, folder; or allowed.")
    label = written("The name of what the rule is about.")
    created_at = moment("When it was made.")


class RulesSchema(ma.Schema):
    """Your rules, the newest first."""

    items = fields.List(fields.Nested(RuleSchema), required=True)


class MixSummarySchema(ma.Schema):
    """A playlist made for you and updated on a schedule."""

    id = written("Stands in addresses; of a mix that is not stored yet its kind and number.")
    kind = written("because, new, daily, rediscover, mood, path or radio.")
    name = written("Its name.")
    comment = written("Why these songs, in one sentence.")
    songs = whole("Number of songs.")
    made_at = moment("When it was made last; null for one that is not stored.", optional=True)
    next_at = moment("When it is made next; null where only you do.", optional=True)
    schedule = written("Five fields of cron; empty: only when you ask.")
    time_zone = written("The time zone of the schedule.", optional=True)
    address = written("Its page.")


class MixesSchema(ma.Schema):
    """Your mixes; where none is stored those that are ready."""

    items = fields.List(fields.Nested(MixSummarySchema), required=True)


class MixSongSchema(ma.Schema):
    """A song of a mix."""

    track_id = written("The song's public id.")
    track = fields.Nested(TrackSchema, required=True)
    why = written("Why it stands there, as a sentence.")


class MixSchema(MixSummarySchema):
    """A mix with its songs, in order."""

    items = fields.List(fields.Nested(MixSongSchema), required=True)


class ListenSchema(ma.Schema):
    """A play: heard in songrec, or from an imported history."""

    track_id = written("The song's public id; null while the catalogue lacks it.", optional=True)
    title = written("The title as the history gives it.")
    artists = written("The artists as the history gives them.")
    played_at = moment("When it was played.", optional=True)
    times = whole("1, or more where the history only counts plays up to that time.")
    ms_played = whole("Milliseconds that were played.", optional=True)
    skipped = fields.Boolean(
        required=True, metadata={"description": "Whether it was left within 30 seconds."}
    )
    source = written("Where the history is from.")


class ImportedPlaylistSchema(ma.Schema):
    """A playlist of an imported file."""

    name = written("Its name.")
    songs = whole("Its songs that the catalogue has.")
    missing = whole("Its songs that are missing.")
    new = fields.Boolean(required=True, metadata={"description": "Whether it is a new playlist."})


class RefusedLineSchema(ma.Schema):
    """A line of an imported file that names no song."""

    line = whole("Line, or number of the entry.")
    reason = written("Why.")


class StationSchema(MatchesSchema):
    """The next songs of a station."""

    title = written("Its title.")
    next = written("Cursor of the next songs; null at the end.", optional=True)


class PathSchema(MatchesSchema):
    """Songs from one to another, both included."""

    lengths = fields.List(
        fields.Float(),
        required=True,
        metadata={"description": "Distance of each song from the one before, in the latent space."},
    )
    unevenness = number("Standard deviation of the lengths over their mean; 0 is even.")


class TokenSchema(ma.Schema):
    """The token of a request; never its clear text."""

    account = written("Name of its account.")
    name = written("Name.")
    scopes = fields.List(
        fields.String(validate=validate.OneOf(("read", "write"))),
        required=True,
        metadata={"description": "What it may do."},
    )
    created_at = moment("When it was made.")
    expires_at = moment("When it expires; null: never.", optional=True)


class PlaylistSchema(ma.Schema):
    """A playlist without its songs."""

    id = written("The public id.")
    name = written("Name.")
    description = written("Description.")
    mine = fields.Boolean(required=True, metadata={"description": "Whether you may change it."})
    size = whole("How many songs.")
    created_at = moment("When it was made.")
    address = written("Its page.")


class FullPlaylistSchema(PlaylistSchema):
    """A playlist with its songs in order."""

    tracks = fields.List(fields.Nested(TrackSchema), required=True)


class RunSchema(ma.Schema):
    """A finished training run; nothing but its name ever changes."""

    id = written("Its id.")
    name = written("Its name for people.")
    created_at = moment("When it was trained.")
    published = fields.Boolean(
        required=True, metadata={"description": "Whether every page shows this one."}
    )
    feature_set = written("Feature set it was trained on.")
    representation = written("The model.")
    clustering = written("The clustering.")
    projection = written("The projection onto the map.")
    seed = whole("Seed.")
    tracks = whole("How many songs.")
    clusters = whole("How many clusters.")
    parameters = free("All parameters by stage.")
    metrics = free("Metrics by name.")
    seconds = free("How long each stage took.")


class JobSchema(ma.Schema):
    """A piece of long work."""

    id = written("Its id.")
    kind = written("What kind of work.")
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    progress = number("From 0 to 1.")
    message = written("Progress as a sentence.")
    error = written("Why it failed.", optional=True)
    result = free("Result, once done.", optional=True)
    created_at = moment("When it was queued.")
    started_at = moment("When it started.", optional=True)
    finished_at = moment("When it finished.", optional=True)
    address = written("URL to poll.")


class ImportSchema(ma.Schema):
    """What became of an imported file."""

    format = written("What the file was read as; empty if it could not be read.")
    problem = written("Why the file could not be read.", optional=True)
    likes = whole("New likes.")
    dislikes = whole("New dislikes.")
    skips = whole("New skips.")
    plays = whole("New plays.")
    playlists = fields.List(fields.Nested(ImportedPlaylistSchema), required=True)
    mixes = whole("New mixes, of an export of songrec.")
    decisions = whole("New decisions on unsure songs, of an export of songrec.")
    unchanged = whole("Entries that were here already, or decided otherwise before.")
    matched = free(
        "How many entries were matched by id, isrc, path, names, guests, similar, decision."
    )
    matched_songs = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The first of them as the catalogue names them."},
    )
    sureness = free("How sure the matches of each kind are, from 0 to 1.")
    unsure = whole("Songs that may be one of the catalogue: the listener decides.")
    unsure_songs = fields.List(fields.String(), required=True)
    missing = whole("Songs that are not in the catalogue; they are kept to try again.")
    missing_songs = fields.List(fields.String(), required=True)
    refused = fields.List(fields.Nested(RefusedLineSchema), required=True)
    passed_over = free("What is no song, counted.")
    notes = fields.List(fields.String(), required=True)
    contradictions = fields.List(fields.String(), required=True)
    job = fields.Nested(
        JobSchema,
        required=True,
        allow_none=True,
        metadata={"description": "The job that imports a longer list; null if none was needed."},
    )


class HealthSchema(ma.Schema):
    """Whether this songrec is ready."""

    status = fields.String(
        required=True, validate=validate.OneOf(("ok",)), metadata={"description": "It answers."}
    )
    version = written("The version of songrec.")
    tracks = whole("Songs in the catalogue; null without a database.", optional=True)
    run_id = written("The published run; null before the first one.", optional=True)
    worker = fields.Boolean(required=True, metadata={"description": "Whether a worker runs."})


class HeardAttributeSchema(ma.Schema):
    """One attribute of an uploaded song."""

    value = number("On the catalogue's scale.")
    source = written(
        "measured, or an estimate: predicted or vibenet, from the sound, or musicnn, from tags."
    )


class PlaceSchema(ma.Schema):
    """Where an uploaded song lies in the published run, by that run's own model and map."""

    run_id = written("The run.")
    cluster = whole("Number of the nearest cluster; -1 is none.")
    confidence = number("How surely, from 0 to 1.")
    x = number("Place on the map.")
    y = number("Place on the map.")
    guessed = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Features that are unknown; the run's median stood in."},
    )


class AudioAnswerSchema(ma.Schema):
    """A song that was uploaded, its job, and once that is done what was found."""

    id = written("The upload: keep it to ask again; it is gone after an hour.")
    job = fields.Nested(JobSchema, required=True)
    title = written("Title, from the tags or the file's name.", optional=True)
    artists = written("Artists, from the tags.", optional=True)
    seconds = number("How long it lasts.", optional=True)
    attributes = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(HeardAttributeSchema),
        required=True,
        allow_none=True,
        metadata={"description": "By name, key and mode included."},
    )
    place = fields.Nested(PlaceSchema, required=True, allow_none=True)
    problem = written("Why it was not compared, where it was not.", optional=True)
    recommendations = fields.List(
        fields.Nested(MatchSchema),
        required=True,
        allow_none=True,
        metadata={"description": "Similar songs, nearest first; null until analysed."},
    )
    address = written("URL to poll.")
