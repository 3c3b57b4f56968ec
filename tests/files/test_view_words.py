import pydicom
import pytest
from film_builders import dicom, pixels

from monai_cars.files.radiograph import RadiographError, read_radiograph
from monai_cars.files.view_words import folded, names_view, only_lateral

LATERAL = [
    *("LATERAL", "LAT", "CHEST_LAT", "Lat. left", "left lateral decubitus", "OBLIQUE", "LLD", "RAO"),
    *("Thorax seitlich", "Thorax seitl.", "THORAX SEITLICHE AUFNAHME", "Seitenaufnahme", "Thorax schräg"),
    *("Thorax de profil", "profil gauche", "THORAX PROFIL", "PROFIL", "Latérale gauche", "décubitus latéral"),
    *("Tórax perfil", "TORAX LATERAL", "perfil izquierdo", "Tórax em perfil", "Tórax oblíqua", "oblicua"),
    *("torace laterale", "Torace L.L.", "latero-laterale", "torace in profilo", "proiezione obliqua"),
    *("thorax lateraal", "thorax dwars", "zijdelingse opname", "thorax zijopname"),
    *("Lungor sidobild", "thorax lateralt", "Thorax sidebillede", "Thorax sidebilde", "Thorax skrå", "Thorax, side"),
    *("klatka piersiowa boczne", "KLP bok", "klatka z boku", "skośne", "plíce boční", "oldalirányú", "sivukuva"),
    *("Toraks yan", "akciğer yan grafi", "yan grafi", "ПРАВАЯ БОКОВАЯ", "боковая проекция", "бічна проекція"),
    *("klatka piersiowa bok", "hrudník bočně", "RTG hrudníku bočná", "bočna snimka", "profilna", "tư thế nghiêng"),
    *("странична графия", "krūtinės šoninė", "نمای جانبی", "ทรวงอกด้านข้าง"),
    *("πλάγια λήψη", "胸部側面", "胸部侧位", "胸部側位", "左前斜位", "흉부 측면", "صورة جانبي"),
]
FRONTAL = [
    *("PA", "AP", "CHEST PA AND LATERAL", "Thorax p.a. und seitlich", "Thorax pa/seitl.", "Thorax a. p.", "frontal"),
    *("Thorax face et profil", "Thorax de face", "posteroanterior y lateral", "Tórax de frente e perfil"),
    *("torace postero-anteriore", "póstero-anterior", "voor-achterwaarts", "tylno-przednie i boczne"),
    *("прямая и боковая", "胸部正面", "胸部正位侧位", "胸部正面・側面", "흉부 정면"),
]
NEITHER = [
    *(
        "",
        "CHEST",
        "bilateral infiltrates",
        "Laterality marker",
        "bedside chest",
        "Bed side chest film",
        "contralateral",
    ),
    *("chest profile 2", "Yan Li", "paziente", "Seite links", "flat", "PALL", "salle 3", "lungs", "decubito supino"),
    *("decubitus dorsal", "Profil 3", "Thorax im Liegen", "Thorax liegend", "couché"),
]


@pytest.mark.parametrize("said", LATERAL)
def test_a_lateral_view_is_told_in_any_language(said):
    assert only_lateral(said)
    assert names_view(said)
    assert only_lateral(said.upper())


@pytest.mark.parametrize("said", FRONTAL)
def test_a_description_that_names_a_frontal_view_too_is_of_a_study(said):
    assert names_view(said)
    assert not only_lateral(said)


@pytest.mark.parametrize("said", NEITHER)
def test_words_that_only_look_like_a_view_name_none(said):
    assert not only_lateral(said)


@pytest.mark.parametrize("tag", ["SeriesDescription", "ProtocolName"])
@pytest.mark.parametrize("said", ["Thorax seitlich", "Thorax de profil", "胸部側面"])
def test_a_lateral_film_is_refused_by_its_words(tmp_path, tag, said):
    tags = {"SpecificCharacterSet": "ISO_IR 192", "ViewPosition": None, tag: said}
    with pytest.raises(RadiographError, match=r"the view must be frontal, PA or AP .*; leave the file out"):
        read_radiograph(dicom(tmp_path / "film.dcm", pixels(12), 12, **tags))


@pytest.mark.parametrize("code", ["399067008", "R-10236", "399356000"])
def test_a_lateral_view_is_refused_by_its_code_whatever_its_meaning_says(tmp_path, code):
    view = pydicom.Dataset()
    view.CodeValue, view.CodingSchemeDesignator, view.CodeMeaning = code, "SCT", "sivulta"
    with pytest.raises(RadiographError, match=r"the view must be frontal, PA or AP"):
        read_radiograph(dicom(tmp_path / "film.dcm", pixels(12), 12, ViewPosition=None, ViewCodeSequence=[view]))
    view.CodeValue = "272479007"
    assert read_radiograph(dicom(tmp_path / "film.dcm", pixels(12), 12, ViewPosition=None, ViewCodeSequence=[view]))


def test_a_study_of_both_views_does_not_make_a_film_lateral(tmp_path):
    tags = {"ViewPosition": None, "SeriesDescription": "Thorax p.a. und seitlich"}
    assert read_radiograph(dicom(tmp_path / "film.dcm", pixels(12), 12, **tags)).image.shape == (1, 144, 160)


def test_folding_keeps_letters_of_other_scripts():
    assert folded("Thorax_LATÉRAL  (L)") == "thorax lateral l"
    assert folded("흉부 측면 ガ") == "흉부 측면 ガ"
