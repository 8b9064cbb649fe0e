"""Which language lyrics are in."""

from __future__ import annotations

import functools
from typing import Any

SUREST = 0.9
"""Below this probability the language is left open."""
FEWEST_LETTERS = 24
CHARACTERS = 2_000
"""So much of a text is looked at."""

NAMES = {
    "af": "afrikaans",
    "am": "amharic",
    "ar": "arabic",
    "az": "azerbaijani",
    "be": "belarusian",
    "bg": "bulgarian",
    "bn": "bengali",
    "br": "breton",
    "bs": "bosnian",
    "ca": "catalan",
    "cs": "czech",
    "cy": "welsh",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "eo": "esperanto",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fa": "persian",
    "fi": "finnish",
    "fo": "faroese",
    "fr": "french",
    "ga": "irish",
    "gl": "galician",
    "gu": "gujarati",
    "he": "hebrew",
    "hi": "hindi",
    "hr": "croatian",
    "ht": "haitian creole",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "is": "icelandic",
    "it": "italian",
    "ja": "japanese",
    "jv": "javanese",
    "ka": "georgian",
    "kk": "kazakh",
    "km": "khmer",
    "kn": "kannada",
    "ko": "korean",
    "ku": "kurdish",
    "ky": "kyrgyz",
    "la": "latin",
    "lb": "luxembourgish",
    "lo": "lao",
    "lt": "lithuanian",
    "lv": "latvian",
    "mg": "malagasy",
    "mk": "macedonian",
    "ml": "malayalam",
    "mn": "mongolian",
    "mr": "marathi",
    "ms": "malay",
    "mt": "maltese",
    "nb": "norwegian",
    "ne": "nepali",
    "nl": "dutch",
    "nn": "norwegian",
    "no": "norwegian",
    "oc": "occitan",
    "or": "odia",
    "pa": "punjabi",
    "pl": "polish",
    "ps": "pashto",
    "pt": "portuguese",
    "qu": "quechua",
    "ro": "romanian",
    "ru": "russian",
    "rw": "kinyarwanda",
    "se": "northern sami",
    "si": "sinhala",
    "sk": "slovak",
    "sl": "slovenian",
    "sq": "albanian",
    "sr": "serbian",
    "sv": "swedish",
    "sw": "swahili",
    "ta": "tamil",
    "te": "telugu",
    "th": "thai",
    "tl": "tagalog",
    "tr": "turkish",
    "ug": "uyghur",
    "uk": "ukrainian",
    "ur": "urdu",
    "vi": "vietnamese",
    "vo": "volapük",
    "wa": "walloon",
    "xh": "xhosa",
    "yo": "yoruba",
    "zh": "chinese",
    "zu": "zulu",
    "gd": "scottish gaelic",
    "fy": "frisian",
    "ha": "hausa",
    "ig": "igbo",
    "my": "burmese",
    "so": "somali",
    "uz": "uzbek",
    "tg": "tajik",
    "tt": "tatar",
    "ln": "lingala",
    "sn": "shona",
    "st": "sotho",
    "sa": "sanskrit",
    "pcm": "nigerian pidgin",
    "ary": "arabic",
    "arz": "arabic",
    "yue": "chinese",
    "wuu": "chinese",
}
"""ISO 639 codes and the names that tags and folders use."""


def language_of(words: str | None) -> str | None:
    """The language of cleaned lyrics in English and lower case; None where it is not sure.

    By py3langid's naive Bayes over byte sequences (Lui & Baldwin, "langid.py", ACL 2012), which
    is deterministic. Languages without a name in ``NAMES`` are left open.
    """
    if not words:
        return None
    text = words[:CHARACTERS]
    if sum(letter.isalpha() for letter in text) < FEWEST_LETTERS and text.isascii():
        return None
    code, probability = _identifier().classify(text)
    return NAMES.get(code) if probability >= SUREST else None


@functools.lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
