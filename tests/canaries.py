"""Films whose headers hold thousands of identifying values, each of them a word that is nowhere else."""

import io
import re
import warnings

import nibabel as nib
import numpy as np
import pydicom
from film_builders import dataset
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydicom import config
from pydicom._dicom_dict import (
    DicomDictionary,  # every element of the standard, those of the profile's table among them
)

TEXT = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
WORD = re.compile(rb"QZ[0-9]{4}[A-Z]ZQ|2\.999\.77[0-9]{4}|1847[01][0-9][0-2][0-9]|93[0-9]{4}71717171|1593[0-9]{4}71")
"""What `value_of` makes: a word, a UID, a date of the year 1847, a number."""
# What describes the pixels and what the rules judge: a film without them is refused, see `refused`.
NEEDED = {
    "SpecificCharacterSet", "SOPClassUID", "Modality", "BodyPartExamined", "ViewPosition", "PatientOrientation",
    "SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "PlanarConfiguration", "NumberOfFrames", "PixelData", "SyntheticData", "PixelPaddingValue",
    "PixelPaddingRangeLimit", "FloatPixelData", "DoubleFloatPixelData", "ModalityLUTSequence", "VOILUTSequence",
    "RescaleSlope", "RescaleIntercept", "RescaleType", "PresentationLUTShape", "ViewCodeSequence",
}  # fmt: skip
# Numbers that a synthetic film keeps, being technical: told in docs/own_data.md.
TECHNICAL = {
    "KVP", "DistanceSourceToDetector", "DistanceSourceToPatient", "EstimatedRadiographicMagnificationFactor",
    "Exposure", "ExposureTime", "XRayTubeCurrent", "ExposureInuAs", "FocalSpots", "Sensitivity", "RelativeXRayExposure",
    "ExposureIndex", "TargetExposureIndex", "DeviationIndex", "PixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio",
    "WindowCenter", "WindowWidth", "LossyImageCompressionRatio", "LossyImageCompression",
}  # fmt: skip


def word(number):
    return f"QZ{number % 10_000:04d}{'ABCDEFGHIJ'[number // 10_000]}ZQ"


def value_of(kind, number):
    """An identifying value of a type, None for types that hold none."""
    if kind in TEXT:
        return word(number)
    return {
        "UI": f"2.999.77{number % 10_000:04d}",
        "DA": f"1847{1 + number % 12:02d}{1 + number % 28:02d}",
        "DT": f"1847{1 + number % 12:02d}{1 + number % 28:02d}101112",
        "AS": "093Y",
        "DS": f"93{number % 10_000:04d}71717171",
        "IS": f"1593{number % 10_000:04d}71",
        "OB": word(number).encode() + b"\0",
        "UN": word(number).encode() + b"\0",
    }.get(kind)


def film(stored, **tags):
    """A film with an identifying value in every element of the dictionary that can hold one, nested and private too."""
    with warnings.catch_warnings(), config.disable_value_validation():
        warnings.simplefilter("ignore")
        header = dataset(stored, 8 * stored.dtype.itemsize)
        number = _fill(header, 0)
        item = pydicom.Dataset()
        number = _fill(item, number, limit=300)
        for keyword in ("RequestAttributesSequence", "OtherPatientIDsSequence", "ReferencedStudySequence"):
            setattr(header, keyword, [item])
        code = pydicom.Dataset()
        _fill(code, number, limit=300)
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "272479007", "SCT", word(9999)
        header.ViewCodeSequence = [code]
        for block in range(40):
            header.private_block(0x0011 + 2 * block, word(9000 + block), create=True).add_new(
                1, "LO", word(9100 + block)
            )
        header.add_new(0x60003000, "OB", word(9998).encode() + b"\0")
        for keyword, value in tags.items():
            if value is None:
                del header[keyword]
            else:
                setattr(header, keyword, value)
        return header


def _fill(header, number, *, limit=100_000):
    for tag, (kind, *_, keyword) in DicomDictionary.items():
        if tag >> 16 <= 0x0002 or keyword in NEEDED | TECHNICAL or not keyword:
            continue
        found = value_of(kind, number)
        if found is not None and number < limit + 5000:
            header.add_new(tag, kind, found)
            number += 1
    return number


def whole(header):
    """The bytes of a film, whatever its values look like."""
    stream = io.BytesIO()
    with warnings.catch_warnings(), config.disable_value_validation():
        warnings.simplefilter("ignore")
        config.settings.writing_validation_mode, before = config.IGNORE, config.settings.writing_validation_mode
        try:
            header.save_as(stream, enforce_file_format=True)
        finally:
            config.settings.writing_validation_mode = before
    return stream.getvalue()


def refused(stored):
    """Damaged and improper copies, by name: what their messages could quote is a person's."""
    plain = whole(film(stored))
    item = b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    middle = plain.index(b"\x28\x00\x02\x00US")
    yield "modality", whole(film(stored, Modality=word(1)))
    yield "interpretation", whole(film(stored, PhotometricInterpretation=word(2)))
    yield "part", whole(film(stored, BodyPartExamined=f"KNEE {word(3)}"))
    yield "view", whole(film(stored, ViewPosition=f"LATERAL {word(4)}"))
    yield "series", whole(film(stored, ViewPosition=None, ViewCodeSequence=None, SeriesDescription=f"lat {word(5)}"))
    yield "frames", plain.replace(b"\x28\x00\x10\x00US", b"\x28\x00\x08\x00IS\x08\x00QZ0006AZ\x28\x00\x10\x00US")
    yield "rows", plain.replace(b"\x28\x00\x10\x00US\x02\x00", b"\x28\x00\x10\x00LO\x08\x00QZ0007AZQ\x20")
    yield "no pixels", whole(film(stored, PixelData=None))
    yield "bits", whole(film(stored, BitsStored=7, HighBit=6))
    yield "syntax", plain.replace(b"1.2.840.10008.1.2.1\0", b"2.999.770008.1.2.1.\0")
    yield "compressed", plain.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0")
    yield "cut", plain[: len(plain) - 999]
    yield "cut in the header", plain[:middle]
    yield "nested", plain[:middle] + item * 3 + plain[middle:]
    yield "broken off", plain[:middle] + item * 3 + b"\x08\x00"
    yield "deflated", plain.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    rng = np.random.default_rng(5)
    for number in range(30):
        damaged = bytearray(plain)
        for place in rng.integers(128, middle + 200, 12):
            damaged[place] = rng.integers(256)
        yield f"flipped {number}", bytes(damaged)


def png(stored):
    text = PngInfo()
    for number, key in enumerate(("Comment", "Author", "Title", "Description")):
        text.add_text(key, word(number))
    text.add_itxt("XML:com.adobe.xmp", word(8))
    stream = io.BytesIO()
    Image.fromarray(stored).save(stream, "PNG", pnginfo=text)
    return stream.getvalue()


def nifti(stored):
    image = nib.Nifti1Image(stored.astype(np.int16).T, np.eye(4))
    for number, (name, length) in enumerate((("descrip", 80), ("aux_file", 24), ("intent_name", 16), ("db_name", 18))):
        image.header[name] = word(number).encode()[:length]
    image.header["data_type"] = b"QZ0005AZQ"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", word(6).encode()))
    return image.to_bytes()
