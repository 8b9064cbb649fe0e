"""All tables, importable from one place: ``from songrec.store.tables import Track``."""

from songrec.store.tables.affinities import AffinitySource, ArtistAffinity, NamedArtist
from songrec.store.tables.apps import (
    AlbumOpinion,
    ArtistOpinion,
    Bookmark,
    Playback,
    PlayQueue,
    TrackRating,
)
from songrec.store.tables.audio import PLAYABLE, ApiToken, AudioFile, FeatureVector, Upload
from songrec.store.tables.catalogue import (
    Album,
    Artist,
    Lyrics,
    Tag,
    Track,
    TrackAlias,
    TrackArtist,
    TrackAttributes,
    TrackTag,
    TrackWords,
)
from songrec.store.tables.duplicates import Duplicate, MatchKey, RemovedTrack, TrackMerge
from songrec.store.tables.elsewhere import ListenBrainzAccount, MatchDecision
from songrec.store.tables.feedback import KeptAnswer, Listen, PendingLike, RecommendationRule, Skip
from songrec.store.tables.imported import ImportedFeatures
from songrec.store.tables.jobs import Job, Worker
from songrec.store.tables.people import (
    Invitation,
    Listener,
    Playlist,
    PlaylistTrack,
    Reaction,
    User,
)
from songrec.store.tables.rate_limits import RateLimit
from songrec.store.tables.runs import Cluster, ClusterAssignment, Publication, Run
from songrec.store.tables.security import SecurityEvent, UserSession
from songrec.store.tables.servers import (
    AppPassword,
    Mix,
    MixTrack,
    MusicServer,
    ServerAccount,
    ServerOpinion,
    ServerPlaylist,
    ServerTrack,
)

__all__ = [
    "PLAYABLE",
    "AffinitySource",
    "Album",
    "AlbumOpinion",
    "ApiToken",
    "AppPassword",
    "Artist",
    "ArtistAffinity",
    "ArtistOpinion",
    "AudioFile",
    "Bookmark",
    "Cluster",
    "ClusterAssignment",
    "Duplicate",
    "FeatureVector",
    "ImportedFeatures",
    "Invitation",
    "Job",
    "KeptAnswer",
    "Listen",
    "ListenBrainzAccount",
    "Listener",
    "Lyrics",
    "MatchDecision",
    "MatchKey",
    "Mix",
    "MixTrack",
    "MusicServer",
    "NamedArtist",
    "PendingLike",
    "PlayQueue",
    "Playback",
    "Playlist",
    "PlaylistTrack",
    "Publication",
    "RateLimit",
    "Reaction",
    "RecommendationRule",
    "RemovedTrack",
    "Run",
    "SecurityEvent",
    "ServerAccount",
    "ServerOpinion",
    "ServerPlaylist",
    "ServerTrack",
    "Skip",
    "Tag",
    "Track",
    "TrackAlias",
    "TrackArtist",
    "TrackAttributes",
    "TrackMerge",
    "TrackRating",
    "TrackTag",
    "TrackWords",
    "Upload",
    "User",
    "UserSession",
    "Worker",
]
