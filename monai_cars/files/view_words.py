"""Words by which headers of many languages name a view: lateral and oblique ones, and frontal ones."""

import re
import unicodedata

# Whole words of letters without accents, in lower case.
_LATERAL = (
    r"lat|latl?s?|lateral(?!it|iz)\w*|latero[- ]?lateral\w*|ll|l\.\s?l|rl|lld|rld",
    r"decubitus(?! (dorsal|supin\w*))|oblique|llo|rlo|lao|rao|lpo|rpo",
    r"seitl(ich\w*)?|seitenaufnahme|seitenbild|schrag\w*|schraeg\w*",  # German
    r"(de|en) profil|profil (droit|gauche)",  # French
    r"(de|en|em) perfil|perfil (derech|izquierd|direit|esquerd)\w+|obli[cq]u[ao]s?",  # Spanish, Portuguese
    r"(in|di) profilo|profilo (destro|sinistro)",  # Italian
    r"lateraal|zijdelings\w*|zijopname|dwarse?|schuine?",  # Dutch
    r"sidobild\w*|sidoprojektion\w*|sidebillede\w*|sidebilde\w*|sideoptagelse\w*|sideprojek\w+|skra\w*",  # Nordic
    r"boczn\w+|z boku|bokiem|skosn\w+|bocn\w+|profiln\w+|sikm\w+",  # Polish, Czech, Slovak, Croatian
    r"yan (grafi\w*|akciger\w*|gogus)|oblik",  # Turkish
    r"oldaliranyu\w*|sivukuva\w*|sivusta",  # Hungarian, Finnish
    r"soninis?|sonine|kulgvaade|kulgulesvote|tu the nghieng|nghieng",  # Lithuanian, Estonian, Vietnamese
    r"боков\w*|бічн\w*|бокова\w*|косая|коса|лежа на боку|странич\w+|профилн\w+",  # Russian, Ukrainian, Bulgarian
    r"πλαγι\w*|προφιλ",  # Greek
)
# A word that also means something else says the view beside a word for the chest, or where it stands alone.
_CHEST = (
    r"(thorax|thorac\w+|torax|torac\w+|toraks|chest|poumons?|pulm\w+|klp|akciger\w*|gogus|bryst\w*|lung\w*|rx|tx|rtg|"
    r"klatk\w+|piersiow\w+|hrudnik\w*|plice?)"
)
_PROFILE = r"(profil|perfil|profilo|profiel)"
_BESIDE = rf"({_PROFILE}|side|yan|bok)"
_UNSPACED = r"側面|侧位|側位|斜位|側臥位|侧卧位|側方|测位|측면|측방|측와위|사위|جانبي|جانبی|نیمرخ|ด้านข้าง"
_FRONTAL = (
    r"pa|ap|p\.\s?a|a\.\s?p|frontal\w*|postero[- ]?anterior\w*|antero[- ]?posterior\w*",
    r"(de|thorax|poumons?|pulmonaire|rx|radio) face|face (et|\+|&) profil|frente",
    r"dorso[- ]?ventral\w*|ventro[- ]?dorsal\w*|voor[- ]?achterwaarts\w*|achter[- ]?voorwaarts\w*",
    r"przednio[- ]?tyln\w+|tylno[- ]?przedni\w+|predozadn\w+|zadopredn\w+",
    r"прям\w+|передн\w+|задн\w+|переднезадн\w+|заднепередн\w+|on arka|arka on",
)
_FRONTAL_UNSPACED = r"正面|正位|后前|後前|前后|前後|정면"

LATERAL = re.compile(
    rf"\b({'|'.join(_LATERAL)})\b|\b{_CHEST} {_BESIDE}\b|\b{_PROFILE} {_CHEST}\b|^{_PROFILE}$|{_UNSPACED}"
)
FRONTAL = re.compile(rf"\b({'|'.join(_FRONTAL)})\b|{_FRONTAL_UNSPACED}")

_BARE = str.maketrans({0x131: "i", 0xF8: "o", 0xD8: "o", 0x142: "l", 0x141: "l"})
"""Letters that do not come apart into a plain one and its mark."""


def only_lateral(said: str) -> bool:
    """Whether words name a lateral, oblique or decubitus view and no frontal one.

    A description may name both views of a study, which says nothing of one film.

    Args:
        said: in any language and case.

    Example:
        >>> only_lateral("Thorax seitlich"), only_lateral("Thorax p.a. und seitlich"), only_lateral("bilateral")
        (True, False, False)
    """
    plain = folded(said)
    return bool(LATERAL.search(plain)) and not FRONTAL.search(plain)


def lateral_words(said: str) -> str:
    """The words of these that name a lateral view, and no others: a description may hold anybody's name.

    Example:
        >>> lateral_words("Doe^Jane Thorax seitlich")
        'seitlich'
    """
    found = LATERAL.search(folded(said))
    return found[0] if found else ""


def names_view(said: str) -> bool:
    """Whether words name any view.

    Example:
        >>> names_view("CHEST PA"), names_view("chest")
        (True, False)
    """
    plain = folded(said)
    return bool(LATERAL.search(plain) or FRONTAL.search(plain))


def folded(said: str) -> str:
    """Words in lower case without accents and with single spaces; other scripts keep their letters' own marks.

    Example:
        >>> folded(" Thorax  LATÉRAL_gauche")
        'thorax lateral gauche'
    """
    apart = unicodedata.normalize("NFKD", said.translate(_BARE))
    bare = "".join(letter for letter in apart if not 0x300 <= ord(letter) <= 0x36F)
    spaced = re.sub(r"[\s_^/,;:()\[\]\\-]+", " ", unicodedata.normalize("NFC", bare).lower())
    return spaced.strip()
