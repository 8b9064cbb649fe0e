"""Grammar of invented artists, titles and albums."""

# ruff: noqa: SIM905 -- lists of words are easier to read and to extend as text

from __future__ import annotations

FIRST = (
    "Ada Alma Anouk Aurel Bastien Bea Bruno Calla Casimir Celeste Cleo Corin Dario Delphine "
    "Edda Elio Elspeth Emeka Esme Fenna Fergus Flora Gideon Greta Hanne Hugo Ilse Imani Ines "
    "Isolde Ivo Jonas Juno Kaia Kamau Kenji Lazlo Leonie Linnea Lorcan Lucía Maëlle Mateo "
    "Mira Naima Nell Nils Odile Omar Orla Oskar Paloma Petra Quill Rafi Renée Rhea Rosalind "
    "Rufus Saskia Selma Silas Soren Sunniva Tamsin Tariq Thea Tobias Una Valentin Vera Wanda "
    "Wilhelm Xiomara Yara Yusuf Zadie Zoltan"
).split()
LAST = (
    "Abernathy Achterberg Adeyemi Alder Almqvist Appleyard Arkwright Bellamy Birchwood "
    "Blomgren Boateng Bramble Brightwater Calder Castellane Cormorant Dalgaard Darkwood "
    "Delacroix Eastwick Ekström Elderfield Fairweather Falkenrath Farrow Fenwick Fontaine "
    "Gallowglass Garrick Greenhalgh Hagström Halloran Harrowgate Hawthorn Holloway Ibarra "
    "Ironside Jansdotter Kestrel Kilbride Kowalczyk Lachance Larkspur Lindqvist Lockhart "
    "Maddox Marchetti Mbeki Merriweather Montclair Moreau Nakagawa Nightingale Nørgaard Oakes "
    "Okonkwo Ortega Pemberton Penhaligon Quintero Ravenscroft Rosewater Sandoval Sato "
    "Silverthorne Sørensen Stillwater Tanaka Thistlewood Tolliver Underhill Vance Vásquez "
    "Wakefield Whitlock Winterbourne Wolfram Yarrow Zabriskie Zielinski"
).split()

SHARED_NOUNS = (
    "Morning Window River Harbour Letter Garden Summer Winter Shadow Mirror Echo Silence "
    "Ocean Station Feather Bridge Promise Postcard Lantern Horizon Island Corner Sunday Rain "
    "Thunder Photograph Balcony Compass Satellite Orchard Candle Ceiling Weather Tide Doorway "
    "Tomorrow"
).split()
SHARED_ADJECTIVES = (
    "Golden Hollow Paper Silver Distant Gentle Broken Quiet Borrowed Crooked Velvet Electric "
    "Faded Restless Tender Weightless Endless Scarlet Half-Lit Slow Bright Northern Careless"
).split()
VERBS = (
    "Falling Waiting Dreaming Drifting Burning Running Leaving Counting Dancing Learning"
).split()
PLACES = (
    "Lisbon Reykjavík Valparaíso Trieste Marseille Göteborg Kyoto Cartagena Tallinn Montréal "
    "Oaxaca Dakar Tbilisi Aberdeen Antwerp Palermo Saint-Malo Kraków"
).split()

# Per genre: adjectives, nouns, what its bands are called ({N} a band noun, {F} {L} a person).
FLAVOURS: dict[str, dict[str, tuple[str, ...]]] = {
    "Pop": {
        "adjectives": ("Sugar", "Neon", "Perfect", "Sweet", "Glitter", "Lucky"),
        "nouns": ("Heartbeat", "Lipstick", "Butterfly", "Daydream", "Telephone", "Confetti"),
        "bands": ("{F} {L}", "{F} {L}", "{F} & {G} {L}", "Paper {N}", "The {N} Club"),
        "band_nouns": ("Balloons", "Cherries", "Polaroids", "Sundays", "Parasols"),
    },
    "Rock": {
        "adjectives": ("Wild", "Dusty", "Iron", "Loud", "Midnight", "Rolling"),
        "nouns": ("Highway", "Engine", "Wildfire", "Gasoline", "Thunderbird", "Avenue"),
        "bands": ("The {N}", "{L} & the {N}", "The {L} Brothers", "{L} Road"),
        "band_nouns": ("Tin Kings", "Gravel Saints", "Motor Wolves", "Brass Hounds", "Night Mules"),
    },
    "Hip Hop": {
        "adjectives": ("Concrete", "Corner", "Uptown", "Real", "Heavy", "Smooth"),
        "nouns": ("Cypher", "Block", "Sneakers", "Boombox", "Crown", "Paycheck"),
        "bands": ("MC {L} & {F}", "{F} the Scribe", "{L} {N} Collective", "DJ {L} & {F}"),
        "band_nouns": ("Rooftop", "Blueprint", "Sidewalk", "Lowlight", "Turnstile"),
    },
    "Indie": {
        "adjectives": ("Awkward", "Pastel", "Sleepy", "Wooden", "Second-Hand", "Mild"),
        "nouns": ("Bicycle", "Teacup", "Suburb", "Sweater", "Library", "Mixtape"),
        "bands": ("The {L} {N}", "The {N}", "{F} and the {N}", "Dear {F} {L}"),
        "band_nouns": (
            "Kitchen Maps", "Umbrella Season", "Paper Planets",
            "Ghost Bicycles", "Lemon Attic",
        ),
    },
    "Dance": {
        "adjectives": ("Infinite", "Neon", "Higher", "Burning", "Tropical", "Ultra"),
        "nouns": ("Rhythm", "Dancefloor", "Sunrise", "Pulse", "Fever", "Strobe"),
        "bands": ("{L} x {F}", "DJ {F} {L}", "{N}", "{F} {L}"),
        "band_nouns": (
            "Club Meridian", "Sunset Circuit", "Nova Parade",
            "Lumière Club", "Hotel Aurora",
        ),
    },
    "Rap": {
        "adjectives": ("Cold", "Diamond", "Street", "Loaded", "Raw", "Midnight"),
        "nouns": ("Hustle", "Bricks", "Ambition", "Pressure", "Empire", "Receipts"),
        "bands": ("Lil {F} {L}", "Young {F} {L}", "{F} {L} Jr.", "Big {F} {L}"),
        "band_nouns": ("Northside", "Southbound", "Eastway", "Westline", "Overpass"),
    },
    "R&B": {
        "adjectives": ("Silk", "Late", "Honest", "Warm", "Purple", "Slow"),
        "nouns": ("Desire", "Perfume", "Midnight", "Satin", "Confession", "Whisper"),
        "bands": ("{F} {L}", "{F} {L}", "{F} Monroe-{L}", "The {N}"),
        "band_nouns": ("Velvet Hours", "Satin Four", "Soft Alibis", "Evening Set", "Honeydews"),
    },
    "Electronic": {
        "adjectives": ("Binary", "Magnetic", "Modular", "Phase", "Synthetic", "Ultraviolet"),
        "nouns": ("Signal", "Circuit", "Voltage", "Orbit", "Frequency", "Particle"),
        "bands": ("{N}", "{L} Machine", "{F} Modular", "{L} / {N}"),
        "band_nouns": (
            "Parallax Unit", "Kilohertz Kids", "Ferrite Choir",
            "Null Garden", "Static Museum",
        ),
    },
    "Soul": {
        "adjectives": ("Sweet", "Honest", "Old", "Tender", "Amber", "Faithful"),
        "nouns": ("Sorrow", "Honey", "Prayer", "Memory", "Homecoming", "Grace"),
        "bands": ("{F} {L}", "{F} {L} & the {N}", "The {N}", "Sister {F} {L}"),
        "band_nouns": (
            "Amber Tones", "Good Neighbours", "Sunday Shoes",
            "Harbour Bells", "Tenderlies",
        ),
    },
    "Alternative": {
        "adjectives": ("Plastic", "Grey", "Numb", "Static", "Sideways", "Blurred"),
        "nouns": ("Television", "Gravity", "Antenna", "Hospital", "Parachute", "Undertow"),
        "bands": ("{N}", "The {N}", "{L} Parade", "Saint {F} {L}"),
        "band_nouns": (
            "Glass Tuesdays", "Minor Weather", "Failed Pilots",
            "Dim Orchard", "Soft Thursday",
        ),
    },
    "Metal": {
        "adjectives": ("Black", "Eternal", "Blood-Red", "Ashen", "Frozen", "Wrathful"),
        "nouns": ("Throne", "Abyss", "Ruin", "Serpent", "Cathedral", "Plague"),
        "bands": ("{N} of {P}", "{L}'s Wrath", "{N} of {P}", "Order of {L}"),
        "band_nouns": ("Grimhollow Choir", "Ash Procession", "Vørgrim", "Ironvault", "Wintermaw"),
    },
    "Classical": {
        "adjectives": ("Serene", "Solemn", "Pastoral", "Nocturnal", "Winter", "Little"),
        "nouns": ("Nocturne", "Prelude", "Étude", "Sonata", "Elegy", "Impromptu"),
        "bands": ("{F} {L}", "{L} Quartet", "{P} Chamber Players", "{F} {L} & {G} {L}"),
        "band_nouns": ("Ensemble", "Trio", "Sinfonia", "Consort", "Camerata"),
    },
    "Jazz": {
        "adjectives": ("Blue", "Smoky", "Late", "Lazy", "Cool", "Indigo"),
        "nouns": ("Ballad", "Stroll", "Waltz", "Saxophone", "Rain", "Whiskey"),
        "bands": ("The {L} Trio", "{F} {L} Quintet", "{F} {L}", "{L} & {F}"),
        "band_nouns": ("Blue Corner", "Lamplight", "Backroom", "Harbour", "Slow Train"),
    },
    "Country": {
        "adjectives": ("Dusty", "Whiskey", "Backroad", "Lonesome", "Hometown", "Red-Dirt"),
        "nouns": ("Pickup", "Porch", "Creek", "Boots", "Heartache", "Fencepost"),
        "bands": ("{F} {L}", "{F} Jo {L}", "The {L} Sisters", "{L} Creek"),
        "band_nouns": ("Prairie Dogs", "Tin Roofs", "Old Fences", "Gravel Roads", "Hollow Creek"),
    },
    "Folk": {
        "adjectives": ("Weathered", "Heathered", "Low", "Mossy", "Old", "Autumn"),
        "nouns": ("Willow", "Meadow", "Cottage", "Raven", "Harvest", "Shoreline"),
        "bands": ("{F} {L}", "{F} & {G}", "The {N}", "{L} Family"),
        "band_nouns": (
            "Hedge Singers", "Willow Weavers", "Barley Field",
            "Ferrymen", "Cold Hearth",
        ),
    },
}  # fmt: skip

TITLES = (
    "{A} {X}", "{A} {X}", "The {X}", "{X} in {P}", "{V} for {F}", "{X} and {Y}", "{V} in the {X}",
    "Letter to {F}", "No More {Xs}", "{A} {X} (Reprise)", "Until the {X}", "Every {X}", "{X} #{D}",
    "{V} Again", "My {A} {X}", "Somewhere Near {P}", "What the {X} Knew", "{A} {X}, {A2} {Y}",
    "{X}", "{V}", "Two {Xs}", "{F}'s {X}", "After the {X}", "Before {P}", "{A} as the {X}",
)  # fmt: skip
CLASSICAL_TITLES = (
    "{X} No. {D} in {K}", "{X} in {K}, Op. {D}", "{A} {X}", "{X} for {F}", "Suite from {P}: {X}",
    "String Quartet No. {D} in {K}: II. Adagio", "Variations on a Theme from {P}",
)  # fmt: skip
JAZZ_TITLES = ("Blues for {F}", "{X} for {F}", "{P} at Two", "{A} {X}", "Take the {X}", "{V} Slow")
LONG_TITLES = (
    "The Night We Drove All the Way to {P} and Forgot Why We Had Left the {X} at Home",
    "Everything I Never Told You About the {X}, the {Y} and the Long Road Back from {P}",
    "If the {X} Should Ever Ask You Where I Went, Tell Them {P} (and Tell Them I Was {V})",
)
RARE_TITLES = (
    "夜の電車", "夏の終わり", "Ночной трамвай", "Белый берег", "Σιωπή", "قمر الصيف", "봄날의 편지",
    "Moonlight 🌙", "שיר לים", "雨のち晴れ", "Ευτυχία", "Paper Planes ✈️ Home", "Żółty parasol",
    "Größe", "Coração de Vidro", "L'été sans fin", "Niño del Faro", "Øresund om natten",
)  # fmt: skip
ALBUMS = (
    "{A} {X}", "{Xs}", "The {X} Sessions", "{P}", "{X} & {Y}", "Songs for {F}", "{V}",
    "{A} Hours", "A Year in {P}", "{X}, Volume {D}",
)  # fmt: skip
KEYS = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
