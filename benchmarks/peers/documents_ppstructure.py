"""PPStructureV3 without its table, formula, seal and chart models, on onnxruntime with our layout and text models."""

from __future__ import annotations

import os
from collections.abc import Mapping

from benchmarks.peers.documents_protocol import Converter, Document, serve

DPI = 200


def ppstructure(models: Mapping[str, str]) -> Converter:
    """Its Markdown, page by page, then joined as it joins them."""
    os.environ["PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK"] = "True"
    import numpy as np
    import pypdfium2
    from paddleocr import PPStructureV3

    pipeline = PPStructureV3(
        layout_detection_model_name="PicoDet_layout_1x", layout_detection_model_dir=models["layout"],
        layout_threshold=0.4,
        text_detection_model_name=models["detection_name"], text_detection_model_dir=models["detection"],
        text_recognition_model_name=models["recognition_name"], text_recognition_model_dir=models["recognition"],
        text_recognition_batch_size=1, use_doc_orientation_classify=False, use_doc_unwarping=False,
        use_textline_orientation=False, use_seal_recognition=False, use_table_recognition=False,
        use_formula_recognition=False, use_chart_recognition=False, use_region_detection=False, engine="onnxruntime",
        device="cpu", engine_config={"intra_op_num_threads": 1, "log_severity_level": 3},
    )  # fmt: skip

    def convert(document: Document) -> str:
        opened = pypdfium2.PdfDocument(document.path)
        pages = [
            np.asarray(page.render(scale=DPI / 72, rev_byteorder=False).to_pil().convert("RGB"))[:, :, ::-1]
            for page in opened
        ]
        opened.close()
        found = [result.markdown for page in pages for result in pipeline.predict(page)]
        joined = pipeline.concatenate_markdown_pages(found)
        return joined if isinstance(joined, str) else str(joined["markdown_texts"])

    return convert


if __name__ == "__main__":
    serve({"PPStructureV3": ppstructure})
