"""Additional columns of tables of songs, and the tables of known services."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Names of columns as returned by `normalize`: lower-case letters and digits.
FIELDS = ("title", "artists", "album", "external_id", "playlist_name")
IDS = (
    "id",
    "uri",
    "isrc",
    "address",
    "trackid",
    "externalid",
    "spotifyid",
    "trackuri",
    "trackmbid",
    "mbid",
)
ROLES: dict[str, tuple[str, ...]] = {
    "value": ("value", "score", "preference", "feedback", "reaction"),
    "weight": ("weight",),
    "type": ("type",),
    "moment": (
        "uts",
        "unixtime",
        "isotime",
        "listenedat",
        "playedat",
        "endtime",
        "ts",
        "scrobbledat",
        "scrobbletime",
        "scrobbledate",
        "eventendtimestamp",
        "eventstarttimestamp",
        "lastplayeddate",
        "dateplayed",
        "playedon",
        "playdateutc",
        "utctime",
        "timestamp",
        "datetime",
        "date",
        "time",
    ),
    "ms_played": ("msplayed", "playdurationmilliseconds"),
    "seconds_played": ("listeningtime",),
    "event": ("eventtype",),
    "both": ("trackdescription", "itemdescription"),
    "plays": (
        "plays",
        "playcount",
        "wiedergaben",
        "reproducciones",
        "lectures",
        "écoutes",
        "riproduzioni",
        "reproduções",
        "afgespeeld",
        "spelningar",
        "再生回数",
    ),
    "last_played": (
        "lastplayed",
        "zuletztgespielt",
        "dernièrelecture",
        "dernièreécoute",
        "últimareproducción",
        "ultimariproduzione",
        "últimareprodução",
        "laatstafgespeeld",
        "最後に再生した日",
    ),
    "skips": ("skips", "skipcount", "übersprungen", "sauts", "omisiones", "salti"),
    "rating": (
        "myrating",
        "meinewertung",
        "rating",
        "stars",
        "bewertung",
        "manote",
        "monclassement",
        "mivaloración",
        "miclasificación",
        "lamiavalutazione",
        "minhaclassificação",
        "mijnbeoordeling",
        "マイレート",
    ),
    "loved": ("loved", "liked", "favorite", "favourite", "favorited", "starred", "isliked"),
    "item_type": ("itemtype", "favoritetype"),
    "video": ("videoid", "songurl"),
    "path": (
        "location",
        "path",
        "filepath",
        "filename",
        "file",
        "ort",
        "emplacement",
        "ubicación",
        "localização",
        "locatie",
        "場所",
    ),
}
"""Names of columns by role, for roles that catalogues do not have, the likeliest name first."""
COLUMN_NAMES = frozenset(one for names in ROLES.values() for one in (*names, *IDS))
VALUES = {
    "like": "like",
    "dislike": "dislike",
    "skip": "skip",
    "1": "like",
    "-1": "dislike",
    "love": "like",
    "loved": "like",
    "liked": "like",
    "hate": "dislike",
    "hated": "dislike",
    "disliked": "dislike",
}
TYPES = {
    "favorite": "like",
    "favourite": "like",
    "favorites": "like",
    "playlist": "playlist",
    "track": "playlist",
    "": "playlist",
}
LIKED = re.compile(
    r"(?:liked|loved)(?:[\W_].*)?"
    r"|(?:my[ _-]?)?(?:like|loved?|favou?rites?|saved|starred)(?:[ _-]?(?:songs?|tracks?|music))?"
    r"(?:[ _-]?\(?\d+\)?)?",
    re.IGNORECASE,
)
DISLIKED = re.compile(r"(?:banned|disliked?|hated)(?:[\W_].*)?", re.IGNORECASE)
YES = frozenset({"1", "true", "yes", "y", "x", "t", "1.0"})


@dataclass(frozen=True)
class Service:
    """A service's table: the names in its header, and the kind of its songs.

    ``needs`` are sets of normalized names; the header must contain all names of one of the sets.
    """

    label: str
    kind: str
    needs: tuple[frozenset[str], ...]
    source: str = ""
    played_at: bool = True


def _needs(*headers: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(header.split()) for header in headers)


SERVICES = (
    Service("songrec playlist", "playlist", _needs("position title artists trackid address")),
    Service("Shazam", "like", _needs("tagtime trackkey"), played_at=False),
    Service("TuneMyMusic", "playlist", _needs("trackname artistname playlistname type")),
    Service(
        "Exportify",
        "playlist",
        _needs(
            "trackuri trackname artistnames addedat",
            "spotifyid trackname artistnames addedat",
            "trackuri trackname artistnames albumname",
            "spotifyuri trackname artistnames",
            "spotifyuri trackname artistname",
        ),
        played_at=False,
    ),
    Service(
        "Soundiiz",
        "playlist",
        _needs("title artist album isrc addeddate", "title artist album isrc platform"),
        played_at=False,
    ),
    Service("Deezer", "like", _needs("songtitle artist isrc albumtitle listeningtime"), "deezer"),
    Service(
        "Deezer",
        "like",
        _needs("songtitle artist isrc albumtitle", "songtitle artistname isrc albumtitle"),
        played_at=False,
    ),
    Service("YouTube Music library", "like", _needs("songtitle albumtitle artistnames")),
    Service("YouTube Music library", "like", _needs("songtitle albumtitle artistname1")),
    Service("YouTube Music library", "like", _needs("songtitle albumtitle artistname")),
    Service("Apple Music plays", "like", _needs("songname eventtype"), "apple"),
    Service("Apple Music plays", "like", _needs("contentname eventtype"), "apple"),
    Service("Apple Music plays", "like", _needs("trackname lastplayeddate"), "apple"),
    Service("Apple Music plays", "like", _needs("trackdescription dateplayed"), "apple"),
    Service("Apple Music favourites", "like", _needs("itemdescription preference")),
    Service("Last.fm", "like", _needs("uts artist track", "artist album albumid track"), "lastfm"),
    Service("Last.fm", "like", _needs("utctime artist track"), "lastfm"),
    Service("iTunes text", "playlist", _needs("name artist kind location"), "itunes", False),
    Service("iTunes text", "playlist", _needs("name artist plays myrating"), "itunes", False),
    Service(
        "iTunes text",
        "playlist",
        _needs(
            "name interpret wiedergaben",
            "nom artiste lectures",
            "nom artiste écoutes",
            "nombre artista reproducciones",
            "nome artista riproduzioni",
            "nome artista reproduções",
            "naam artiest afgespeeld",
            "namn artist spelningar",
            "名前 アーティスト 再生回数",
        ),
        "itunes",
        False,
    ),
)
"""Known services, in the order of detection."""
