"""The words for sound that a search understands: instruments, voices, genres, moods, occasions.

Each concept is known by words of English, German, French and Spanish, and found by the tags that
MusiCNN hears, by attributes and by labels (genres, emotions, tags) of the catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from songrec.core.search_terms import search_terms

Kind = Literal["instrument", "genre", "mood", "occasion"]
WEIGHTS: dict[Kind, float] = {"instrument": 1.5, "genre": 1.2, "mood": 1.0, "occasion": 0.4}
"""Weights of kinds of concepts: instruments in a search are required more than moods."""
MAX_WORDS = 3
"""Words of the longest name of a concept."""


@dataclass(frozen=True)
class Concept:
    """Something that can be heard.

    ``words`` are its names, separated by commas; ``tags`` those of MusiCNN's that mean it, beside
    its own name; ``attributes`` are names with a leading ``-`` for low values.
    """

    name: str
    kind: Kind
    words: str
    tags: tuple[str, ...] = ()
    attributes: tuple[str, ...] = field(default=())

    @cached_property
    def labels(self) -> frozenset[str]:
        """The search terms of everything that names the concept in a catalogue."""
        names = (self.name, *self.words.split(","))
        # Of moods and occasions a tag may be a sign without meaning the same.
        names += self.tags if self.kind == "instrument" else ()
        return frozenset(filter(None, map(search_terms, names)))


def _instrument(name: str, words: str, *tags: str) -> Concept:
    return Concept(name, "instrument", words, tags or (name,))


def _genre(name: str, words: str = "", *tags: str) -> Concept:
    return Concept(name, "genre", words, tags or (name,))


CONCEPTS: tuple[Concept, ...] = (
    _instrument("piano", "pianos, klavier, pianoforte"),
    _instrument("guitar", "guitars, gitarre, gitarren, guitare, guitarra, guitarras"),
    _instrument("violin", "violins, fiddle, geige, violine, violon, violín", "violin", "strings"),
    _instrument("strings", "string, streicher, cordes, cuerdas", "strings"),
    _instrument("cello", "celli, violoncello, violonchelo"),
    _instrument("harp", "harfe, harpe, arpa"),
    _instrument("flute", "flöte, querflöte, flûte, flauta"),
    _instrument("harpsichord", "cembalo, clavecin, clavecín"),
    _instrument("sitar", ""),
    _instrument("drums", "drum, schlagzeug, trommeln, batterie, tambours, batería, percussion"),
    _instrument("synth", "synths, synthesizer, synthesizers, synthé, sintetizador"),
    _instrument("choir", "chor, chœur, coro, choral, chorus", "choir", "choral"),
    _instrument(
        "female voice",
        "female, woman, women, female vocals, female singer, frau, frauenstimme, sängerin, femme, "
        "voix de femme, mujer, voz femenina",
        "female", "woman", "female vocal", "female voice", "female vocalists", "female vocalist",
    ),
    _instrument(
        "male voice",
        "male, man, men, male vocals, male singer, männerstimme, sänger, homme, voix d'homme, "
        "hombre, voz masculina",
        "male", "man", "male vocal", "male voice", "male vocalists",
    ),
    Concept(
        "singing", "instrument",
        "vocal, vocals, voice, voices, sung, gesang, stimme, chant, voix, voz, canto",
        ("vocal", "vocals", "singing", "voice"), ("-instrumentalness",),
    ),
    Concept(
        "instrumental", "instrument",
        "instrumentals, no vocals, without vocals, no singing, ohne gesang, sans paroles, sin voz, "
        "instrumentale",
        ("no vocals", "no vocal", "no voice", "instrumental"), ("instrumentalness",),
    ),
    Concept("acoustic", "mood", "unplugged, akustisch, acoustique, acústico", ("acoustic",),
            ("acousticness",)),
    Concept("live", "mood", "concert, konzert, en vivo, en directo", (), ("liveness",)),
    Concept("spoken", "mood", "spoken word, speech, gesprochen, hablado", (), ("speechiness",)),
    _genre("classical", "klassik, klassisch, classique, clásica", "classical", "classic"),
    _genre("orchestral", "orchestra, orchester, orchestre, orquesta, symphonic, symphony, sinfonie",
           "classical", "strings"),
    _genre("opera", "oper, opéra, ópera"),
    _genre("rock", "", "rock", "alternative rock", "classic rock", "hard rock", "indie rock"),
    _genre("pop"),
    _genre("jazz"),
    _genre("blues"),
    _genre("metal", "heavy metal", "metal", "heavy metal"),
    _genre("punk"),
    _genre("country"),
    _genre("folk"),
    _genre("soul"),
    _genre("funk"),
    _genre("r&b", "rnb, rhythm and blues", "rnb"),
    _genre("hip hop", "hiphop, rap, rapping", "Hip-Hop"),
    _genre("electronic", "electronica, elektronisch, électronique, electrónica, electro",
           "electronic", "electronica", "electro"),
    _genre("techno"),
    _genre("house"),
    _genre("ambient"),
    _genre("new age"),
    _genre("indie", "", "indie", "indie rock", "indie pop"),
    _genre("alternative", "", "alternative", "alternative rock"),
    _genre("experimental", "experimentell, expérimental, weird, seltsam", "experimental", "weird"),
    _genre("indian", "indisch, indien, india"),
    _genre("oldies", "oldie", "oldies"),
    *(_genre(f"{years}s", f"{years}er, 19{years}s", f"{years}s") for years in (60, 70, 80, 90)),
    Concept(
        "sad", "mood",
        "sadness, melancholy, melancholic, unhappy, gloomy, sorrowful, traurig, melancholisch, "
        "triste, mélancolique, melancólico, heartbreak", ("sad",), ("-positiveness", "-energy"),
    ),
    Concept(
        "happy", "mood",
        "happiness, joy, joyful, cheerful, upbeat, glad, fröhlich, glücklich, heureux, joyeux, "
        "feliz, alegre", ("happy",), ("positiveness",),
    ),
    Concept(
        "angry", "mood", "anger, aggressive, furious, rage, wütend, aggressiv, fâché, enojado",
        (), ("energy", "-positiveness"),
    ),
    Concept("dark", "mood", "gloom, düster, dunkel, sombre, oscuro", (), ("-positiveness",)),
    Concept(
        "calm", "mood",
        "peace, peaceful, quiet, soft, gentle, relaxing, relaxed, mellow, chill, chillout, tender, "
        "ruhig, leise, sanft, entspannt, calme, doux, tranquilo, suave, relajante",
        ("quiet", "soft", "Mellow", "chillout", "chill", "easy listening"), ("-energy",),
    ),
    Concept(
        "energetic", "mood",
        "energy, powerful, intense, driving, loud, energiegeladen, kraftvoll, laut, énergique, "
        "enérgico, fuerte", ("loud", "beat", "beats"), ("energy",),
    ),
    Concept("slow", "mood", "langsam, lent, lento", ("slow",), ("-tempo",)),
    Concept("fast", "mood", "quick, schnell, rapide, rápido", ("fast",), ("tempo",)),
    Concept(
        "danceable", "mood", "dance, dancing, tanzbar, tanzen, tanz, danse, bailar, baile, groovy",
        ("dance",), ("danceability",),
    ),
    Concept("romantic", "mood", "romance, love, sexy, liebe, amour, amor, romantisch", ("sexy",)),
    Concept("beautiful", "mood", "schön, beau, belle, hermoso, bonito", ("beautiful",)),
    Concept("catchy", "mood", "eingängig, entraînant, pegadizo", ("catchy",)),
    Concept("party", "mood", "feier, fête, fiesta, feiern", ("party",), ("energy", "danceability")),
    Concept("at night", "occasion", "night, nacht, nachts, nuit, noche, evening, abend",
            ("ambient", "chillout"), ("-energy",)),
    Concept("for sleep", "occasion", "sleep, sleeping, lullaby, schlafen, einschlafen, dormir",
            ("quiet", "ambient", "soft"), ("-energy",)),
    Concept("for focus", "occasion", "focus, study, studying, lernen, étudier, estudiar",
            ("instrumental", "no vocals"), ("instrumentalness", "-energy")),
    Concept("for sport", "occasion", "workout, running, gym, sport, laufen, correr, courir",
            ("fast", "beat"), ("energy", "tempo")),
    Concept("for rain", "occasion", "rain, rainy, regen, pluie, lluvia", ("Mellow", "sad"),
            ("-energy", "-positiveness")),
    Concept("for summer", "occasion", "summer, sommer, été, verano", ("happy",), ("positiveness",)),
)  # fmt: skip

_BY_WORDS: dict[str, Concept] = {}
for _concept in CONCEPTS:
    for _word in (_concept.name, *_concept.words.split(",")):
        if _terms := search_terms(_word):
            _BY_WORDS.setdefault(_terms, _concept)


def concepts_in(text: str) -> list[tuple[str, Concept]]:
    """Return the concepts that a search names, each once, with the words that named it.

    The longest names win: “no vocals” is not “vocals”.
    """
    return list(_split(text)[0].values())


def unnamed_phrases(text: str) -> list[str]:
    """Return the phrases of a search before, between and after the names of concepts."""
    return _split(text)[1]


def _split(text: str) -> tuple[dict[str, tuple[str, Concept]], list[str]]:
    words, concepts, at = text.lower().split(), {}, 0
    phrases: list[list[str]] = [[]]
    while at < len(words):
        for size in range(min(MAX_WORDS, len(words) - at), 0, -1):
            named = " ".join(words[at : at + size])
            concept = _BY_WORDS.get(search_terms(named))
            if concept is not None:
                concepts.setdefault(concept.name, (named.strip(".,!?"), concept))
                phrases.append([])
                at += size
                break
        else:
            phrases[-1].append(words[at])
            at += 1
    return concepts, [" ".join(phrase) for phrase in phrases if phrase]
