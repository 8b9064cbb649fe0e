"""Names and the searches that find them; the same for the terms and for both databases."""

from __future__ import annotations

SAME: dict[str, tuple[str, ...]] = {
    # Signs within words.
    "AC/DC": ("acdc", "ac dc", "ac/dc", "AC-DC", "ac⚡dc"),
    "Jay-Z": ("jay z", "jayz", "jay‐z", "JAY—Z"),
    "Jay Z": ("jayz", "jay-z"),
    "JayZ": ("jay z", "jay-z"),
    "blink-182": ("blink 182", "blink182"),
    "10,000 Maniacs": ("10000 maniacs", "10,000", "maniacs"),
    "3OH!3": ("3oh3", "3oh 3"),
    "OutKast": ("outkast", "out kast", "OUTKAST"),
    "Out Kast": ("outkast", "out-kast"),
    # Periods of acronyms.
    "R.E.M.": ("rem", "r.e.m", "r e m"),
    "R. E. M.": ("rem",),
    "REM": ("r.e.m.", "r e m"),
    "M.I.A.": ("mia", "m i a"),
    "N.W.A/M.I.A.": ("nwa", "mia"),
    "will.i.am": ("william", "will i am"),
    "N*E*R*D": ("nerd",),
    # Apostrophes.
    "Don’t Stop": ("dont stop", "don't", "don´t", "donʼt", "don`t", "don t"),
    "Dont Stop": ("don’t stop", "don't"),
    "L'Amour": ("amour", "l’amour", "lamour", "l amour"),
    "O’Connor": ("oconnor", "o'connor", "connor"),
    # And.
    "Simon & Garfunkel": (
        "simon and garfunkel",
        "simon garfunkel",
        "simon&garfunkel",
        "simon + garfunkel",
    ),
    "Simon and Garfunkel": ("simon & garfunkel",),
    "Florence + The Machine": (
        "florence and the machine",
        "florence & the machine",
        "florence+the machine",
    ),
    "Rock 'n' Roll": ("rock and roll", "rocknroll", "rock & roll", "rock'n'roll"),
    "Rock & Roll": ("rocknroll", "rock n roll"),
    "R&B": ("rnb", "r and b", "r & b", "rb"),
    "+44": ("44", "plus 44"),
    "Chlöe × Halle": ("chloe x halle", "chloe halle"),
    # Signs and digits as letters.
    "P!nk": ("pink", "pnk"),
    "Pink": ("p!nk",),
    "Ke$ha": ("kesha",),
    "A$AP Rocky": ("asap rocky", "asap", "aap"),
    "ASAP Mob": ("a$ap",),
    "$uicideboy$": ("suicideboys",),
    "Joey Bada$$": ("badass",),
    "deadmau5": ("deadmaus",),
    "KoЯn": ("korn",),
    # Letters.
    "Straße": ("strasse", "STRASSE", "STRAẞE"),
    "Strasse": ("straße",),
    "Mötley Crüe": ("motley crue", "moetley cruee"),
    "Motley Crue": ("mötley crüe",),
    "Die Ärzte": ("arzte", "aerzte", "ÄRZTE"),
    "Aerzte": ("ärzte",),
    "Łona": ("lona",),
    "Đorđe": ("dorde",),
    "Ærø": ("aero", "aeroe"),
    "Kırmızı": ("kirmizi", "KIRMIZI"),
    "İstanbul": ("istanbul",),
    "Þórr": ("thorr",),
    "Việt Đức": ("viet duc",),
    "ﬁre": ("fire",),
    "ＡＢＣ": ("abc",),
    "𝓛𝓸𝓿𝓮": ("love",),
    "ʀᴇᴍ": ("rem",),
    "Ёлка": ("елка",),
    "أغنية": ("اغنية",),
    # Scripts without spaces, and Korean.
    "椎名林檎": ("林檎", "椎名", "名林", "檎", "椎名 林檎"),
    "椎名 林檎": ("椎名林檎",),
    "방탄소년단": ("방탄", "소년", "단", "방탄소ㄴ"),
    "사랑 노래": ("사랑노래", "노래", "랑"),
    "ﾊﾟﾝｸ ﾛｯｸ": ("パンク", "ぱんく", "ロック"),
    "マイケル・ジャクソン": ("マイケルジャクソン", "ジャクソン", "ﾏｲｹﾙ"),
    "ความรักความคิดถึง": ("ความ", "รัก", "คิด", "ก"),
    "YOASOBI夜に駆ける": ("夜に", "駆け", "yoasobi", "yoasobi 夜"),
}
"""By name: further searches that find it, as it itself does."""

DIFFERENT: dict[str, tuple[str, ...]] = {
    "AC/DC": ("dcac", "cd", "acd cx"),
    "Don’t Stop": ("do not stop", "ont"),
    "椎名林檎": ("林名", "檎林", "林 京"),
    "방탄소년단": ("방소", "년소"),
    "パンク": ("ハンク", "バンク"),
    "Simon & Garfunkel": ("simon or garfunkel",),
    "Straße": ("strase",),
    "P!nk": ("punk",),
    "R.E.M.": ("remix", "rm"),
    "Wham!": ("whami",),
}
"""By name: searches that must not find it."""
