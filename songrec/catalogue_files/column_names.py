"""Meanings of column names by their words.

A name is split into words (``"Artist Name(s)"``, ``"artistName"`` and ``"artist_names"`` have the
same two), each word belongs to a concept, and the concepts determine the field: *track* and *name*
are a title, *artist* and *name* are artists, *artist* and *id* are neither.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from songrec.core.songs import plain

_CONCEPTS: Mapping[str, str] = MappingProxyType(
    {
        # Subjects.
        "track": """track tracks song songs recording recordings tune piece stuck lied lieder
            cancion canciones canzone brano chanson morceau musica musicas faixa lat utwor utworu
            piosenka piosenki nummer skladba skladby kappale şarkı lagu песня песни трек композиция
            пісня пісні τραγουδι τραγουδιου أغنية الأغنية שיר 歌 歌曲 曲 曲目 楽曲 トラック ソング
            곡 노래 트랙""",
        "artist": """artist artists artiste artistes artista artistas artiest artiesten artysta
            artis interpret interpreten interprete interpretes interpreti kunstler kuenstler
            kunstner konstnar performer performers performed singer singers band bands musician
            musicians creator chanteur cantante cantor esecutore wykonawca uitvoerende uitvoerder
            sanatçı sanatci esittaja umelec eloado penyanyi tpe1 исполнитель исполнители исполнителя
            артист певец виконавець καλλιτεχνης فنان الفنان אמן 歌手 艺术家 艺人 藝人 演唱者
            アーティスト 가수 아티스트""",
        "album": "album albums alben albumes albüm lp talb альбом 专辑 專輯 アルバム 앨범",
        "playlist": "playlist playlists wiedergabeliste плейлист 歌单 プレイリスト 플레이리스트",
        "video": "video videos clip videoclip youtube yt channel",
        "person": """user users owner added uploader uploaded label labels publisher producer
            composer composers lyricist writer writers songwriter songwriters author autor auteur
            autore engineer conductor company distributor""",
        # Properties.
        "title": """title titles titel titre titulo titolo tytuł tytul tittel cim nazev baslik
            başlık judul tit2 название заголовок назва τιτλος عنوان العنوان 标题 標題
            タイトル 제목""",
        "name": """name names namen nom nombre nome nazwa navn namn adı ad имя اسم שם 名 名称 名前
            名字 이름 명""",
        "id": "id ids uri uris identifier identifiers uuid gid kennung",
        "address": "url urls link links href weblink permalink",
        "mbid": "mbid mbids",
        "isrc": "isrc isrcs",
        "release": """release released releases veroffentlichung veroffentlichungs veroffentlicht
            erschienen erscheinung erscheinungs sortie lanzamiento lancamento uscita pubblicazione
            wydania выпуск выпуска 发行 發行 リリース 発売 발매""",
        "date": "date dates datum fecha дата 日期 日付 発売日 发行日 リリース日 날짜 발매일",
        "year": "year years yr jahr annee ano anno rok ar god vuosi yıl год года рік 年 年份 연도",
        "duration": """duration durations length len dur time runtime playtime dauer lange laufzeit
            spieldauer duree duracion duracao durata czas kesto süre длительность 时长 時長
            再生時間 長さ 재생시간""",
        "ms": "ms msec millis millisecond milliseconds millisekunden",
        "seconds": "s sec secs second seconds sek sekunden",
        "minutes": "min mins minute minutes minuten",
        # Musical attributes.
        "danceability": """danceability danceable dance dnce tanzbarkeit bailabilidad
            dancabilidade dansabilite ballabilita""",
        "energy": "energy nrgy energie energia energi энергия 能量",
        "loudness": """loudness loud db dbfs decibel decibels lautheit lautstarke sonoridad
            sonorite громкость 响度""",
        "positiveness": """positiveness positivity valence val happiness happy valenz valencia
            valenza""",
        "tempo": "tempo bpm tbpm tempi темп テンポ 템포",
        "acousticness": "acousticness acoustic acous acousticity akustik acusticidad",
        "instrumentalness": "instrumentalness instrumental instrumentalidad",
        "speechiness": "speechiness speech spch spoken",
        "liveness": "liveness live",
        "popularity": """popularity popular pop popularitat popularidad popularite popolarita
            популярность 人气 人気 热度 인기""",
        "explicit": "explicit explicito",
        "variance": "variance varianz varianza",
        "key": "key keys tonart tonalite tonalidad tonalidade tonalita tonika camelot",
        "mode": "mode modus modo modality tongeschlecht",
        "meter": "timesignature meter metre taktart",
        # Descriptions.
        "genre": """genre genres genero generos genere generi gatunek zanr жанр 流派 ジャンル
            장르""",
        "subgenre": "subgenre subgenres",
        "emotion": "emotion emotions mood moods stimmung",
        "lyrics": "lyrics lyric songtext paroles letra letras testo text 歌词 歌詞 가사",
        # Words without meaning.
        "filler": """the of a an is in on for by per audio feature features echonest spotify music
            musical top main primary original overall average avg mean value values score level
            percent percentage pct full data de da do del di der des catalogue deezer
            tidal itunes apple lastfm musicbrainz""",
        # Words that exclude a field.
        "other": """count counts number num nr no n total rank ranking position pos index order
            streams stream views likes comments votes followers popularityrank image images picture
            cover artwork preview analysis similar featured featuring feat std var variancex stdev
            min max median skew kurtosis confidence bin class category cluster zscore diff
            type month day week hour created modified updated snapshot obtained played birth
            active begin end gender country city location latitude longitude bio website
            wikipedia description license copyright format size bitrate bit rate file path
            language tags tag hits hit charts chart parent disc disk""",
    }
)
_PHRASES = (
    (re.compile(r"\bbeats?\W+(?:per|/)?\W*min(?:ute)?s?\b"), "bpm"),
    (re.compile(r"\btime[\W_]*signature\b"), "timesignature"),
    (re.compile(r"\bsub[\W_]*genre"), "subgenre"),
    (re.compile(r"\((s|es|n|en)\)"), r"\1"),
    (re.compile(r"#"), " number "),
)
_ATTRIBUTES = (
    "danceability",
    "energy",
    "loudness",
    "positiveness",
    "tempo",
    "acousticness",
    "instrumentalness",
    "speechiness",
    "liveness",
    "popularity",
    "explicit",
    "variance",
)
_OTHER_SUBJECTS = frozenset({"video", "person", "other", "playlist"})
# Abbreviations and everyday words: alone they are weak evidence for an attribute.
_WEAK = frozenset({"val", "live", "pop", "dance", "happy", "loud", "speech", "spoken", "popular"})
_WEAK |= {"acoustic", "instrumental", "time", "text", "no"}
_CAMEL = re.compile(r"(?<=[a-z0-9])(?<!\bd)(?=[A-Z])")
_CJK = re.compile(r"[\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff]")
_MIN_FUZZY_LENGTH = 6
_FUZZY_CUTOFF = 0.82


@dataclass(frozen=True, slots=True)
class NameMeaning:
    """A possible field of a column name with the strength of the evidence (0 to 1)."""

    field: str
    strength: float


@dataclass(frozen=True, slots=True)
class ColumnName:
    """The concepts in a column name and its possible fields, the likeliest first.

    ``unknown`` counts the words that belong to no concept.
    """

    words: tuple[str, ...]
    concepts: frozenset[str]
    unknown: int
    meanings: tuple[NameMeaning, ...]

    def strength(self, field: str) -> float:
        """Return the strength of the evidence for ``field``, 0 without any."""
        return max((m.strength for m in self.meanings if m.field == field), default=0.0)


@functools.lru_cache(maxsize=4096)
def parse_column_name(name: str) -> ColumnName:
    """Split a column name into concepts and list its possible fields."""
    words = _words(name)
    parsed = [(word, *_concept(word)) for word in words]
    start = next(
        (i for i, (_, concept, _) in enumerate(parsed) if concept == "duration"), len(parsed)
    )
    # "min" means minutes only after "duration"; elsewhere it is a minimum.
    parsed[start:] = [
        (w, "minutes", 1.0) if w == "min" else (w, c, s) for w, c, s in parsed[start:]
    ]
    concepts = [concept for _, concept, _ in parsed if concept]
    meaningful = frozenset(concepts) - {"filler"}
    unknown = sum(1 for word, concept, _ in parsed if not concept and not word.isdigit())
    certainty = min((certainty for _, concept, certainty in parsed if concept), default=1.0)
    weak = len(meaningful) == 1 and all(w in _WEAK for w, c, _ in parsed if c and c != "filler")
    factor = certainty * (0.65 if weak else 1.0)
    meanings = [
        NameMeaning(field, round(max(base * factor - 0.2 * unknown, 0.0), 3))
        for field, base in _fields(meaningful)
    ]
    ranked = sorted((m for m in meanings if m.strength > 0), key=lambda m: -m.strength)
    return ColumnName(tuple(words), meaningful, unknown, tuple(ranked))


def _fields(concepts: frozenset[str]) -> list[tuple[str, float]]:
    """Return the possible fields of a set of concepts with their strengths."""
    subjects = concepts & {"track", "artist", "album"}
    if "playlist" in concepts:
        return _playlist_fields(concepts)
    if concepts & _OTHER_SUBJECTS:
        return []
    attributes = [name for name in _ATTRIBUTES if name in concepts]
    if attributes:
        if len(attributes) > 1 or subjects - {"track"} or concepts & {"id", "address", "date"}:
            return []
        return [(attributes[0], 1.0)]
    if concepts & {"mbid", "isrc", "id", "address"}:
        return _id_fields(concepts, subjects)
    if "duration" in concepts:
        if subjects - {"track"} or "date" in concepts:
            return []
        if "ms" in concepts:
            return [("duration_ms", 1.0)]
        return [("duration", 1.0)]
    if (
        concepts & {"year", "date", "release"}
        and "title" not in concepts
        and "name" not in concepts
    ):
        return _year_fields(concepts, subjects)
    for field, concept in (("subgenre", "subgenre"), ("genre", "genre")):
        if concept in concepts:
            return [(field, 0.8 if subjects - {"track"} else 1.0)]
    for field, concept in (
        ("time_signature", "meter"),
        ("emotion", "emotion"),
        ("lyrics", "lyrics"),
        ("key", "key"),
        ("mode", "mode"),
    ):
        if concept in concepts:
            return [] if subjects - {"track"} else [(field, 1.0)]
    return _name_fields(concepts, subjects)


def _name_fields(concepts: frozenset[str], subjects: frozenset[str]) -> list[tuple[str, float]]:
    named = bool(concepts & {"title", "name"})
    if "artist" in subjects:
        if "title" in concepts:
            return []
        return [("artists", 0.5 if "album" in subjects else 1.0 if named else 0.95)]
    if "album" in subjects or (named and "release" in concepts):
        return [("album", 1.0 if named else 0.95)]
    if "track" in subjects:
        return [("title", 1.0 if named else 0.85)]
    if "title" in concepts:
        return [("title", 0.9)]
    if "name" in concepts:
        return [("title", 0.75)]
    return []


def _playlist_fields(concepts: frozenset[str]) -> list[tuple[str, float]]:
    if concepts & {"other", "person", "video", "artist", "album"}:
        return []
    if "subgenre" in concepts:
        return [("subgenre", 0.7)]
    if "genre" in concepts:
        return [("genre", 0.7)]
    if concepts & {"id", "address"}:
        return [("playlist_id", 1.0)]
    if concepts <= {"playlist", "name", "title"}:
        return [("playlist_name", 1.0)]
    return []


def _id_fields(concepts: frozenset[str], subjects: frozenset[str]) -> list[tuple[str, float]]:
    if subjects - {"track"} or concepts & {"genre", "subgenre", "release", "key", "name"}:
        return []
    strength = 0.9 if "track" in subjects else 0.75
    if "id" in concepts:
        return [("external_id", strength)]
    if "mbid" in concepts:
        return [("external_id", strength - 0.2)]
    if "isrc" in concepts:
        return [("external_id", 0.5)]
    return [("external_id", strength - 0.3)]


def _year_fields(concepts: frozenset[str], subjects: frozenset[str]) -> list[tuple[str, float]]:
    if "artist" in subjects:
        return []
    if "year" in concepts:
        return [("year", 0.95 if "release" in concepts else 0.9)]
    if "release" in concepts and "date" in concepts:
        return [("year", 1.0)]
    if "release" in concepts:
        # "Release" is a date in some exports and the album in others: the content decides.
        return [("year", 0.7), ("album", 0.7)]
    return [("year", 0.7 if "album" in subjects else 0.55)]


def _words(name: str) -> list[str]:
    text = plain(_CAMEL.sub(" ", name.strip()))
    for pattern, replacement in _PHRASES:
        text = pattern.sub(replacement, text)
    words = [word for word in re.split(r"[\W_]+", text) if word]
    words = _join_halves(words)
    # "artist(s)" and its sanitised forms: "artist_s_", "artist.s."
    joined: list[str] = []
    for word in words:
        if word == "s" and joined and _LEXICON.get(joined[-1]) in ("artist", "track", "genre"):
            continue
        joined.append(word)
    return [part for word in joined for part in _split_compound(word)]


def _join_halves(words: list[str]) -> list[str]:
    """Join adjacent words that form one word of the lexicon: ``"dance-ability"``."""
    joined: list[str] = []
    for word in words:
        if joined and (word not in _LEXICON or len(word) > 3) and joined[-1] + word in _LEXICON:
            joined[-1] += word
        else:
            joined.append(word)
    return joined


@functools.lru_cache(maxsize=4096)
def _split_compound(word: str) -> tuple[str, ...]:
    """Split ``"trackname"`` or ``"歌曲名"`` into words of the lexicon; else the word itself."""
    if word in _LEXICON or word.isdigit():
        return (word,)
    cjk = bool(_CJK.search(word))
    best: list[tuple[str, ...] | None] = [None] * len(word) + [()]
    for start in range(len(word) - 1, -1, -1):
        for end in range(len(word), start, -1):
            rest, part = best[end], word[start:end]
            if rest is None or part not in _LEXICON:
                continue
            if not cjk and len(part) < 3 and part not in ("id", "ms", "db"):
                continue
            current = best[start]
            if current is None or len(rest) + 1 < len(current):
                best[start] = (part, *rest)
    whole = best[0]
    return whole if whole is not None and len(whole) <= 4 else (word,)


@functools.lru_cache(maxsize=4096)
def _concept(word: str) -> tuple[str | None, float]:
    """Return the concept of a word, allowing for misspellings, and its certainty."""
    if word in _LEXICON:
        return _LEXICON[word], 1.0
    if len(word) >= _MIN_FUZZY_LENGTH:
        near = difflib.get_close_matches(word, _LONG_WORDS, n=1, cutoff=_FUZZY_CUTOFF)
        if near:
            return _LEXICON[near[0]], 0.85
    return None, 1.0


_LEXICON: Mapping[str, str] = MappingProxyType(
    {plain(word): concept for concept, words in _CONCEPTS.items() for word in words.split()}
)
_LONG_WORDS = [word for word in _LEXICON if len(word) >= _MIN_FUZZY_LENGTH]
