"""The released weights, in a process of its own: converted, read back, and compared with the trainer's on token ids."""

from __future__ import annotations

from neo_assets.jobs.base import open_job


def main() -> None:
    """Convert the checkpoint to a Hugging Face folder and measure the largest difference of logits."""
    from neo_assets.model.export.compare import largest_logit_difference
    from neo_assets.model.export.convert import from_hugging_face, to_hugging_face
    from neo_assets.model.files.saved import weights_digest

    with open_job() as job:
        tokenizer, checkpoint = job.recipe.tokenizer, job.inputs["checkpoint"].folder()
        model, out = job.inputs["tokenizer"].file("tokenizer.model"), job.scratch / "hf"
        to_hugging_face(
            checkpoint, model, out,
            appended_tokens=tokenizer.appended_tokens, end_of_document=tokenizer.end_of_document,
        )  # fmt: skip
        job.writer.folder_of_files(out)
        job.metadata["largest logit difference"] = largest_logit_difference(
            checkpoint, out, tokenizer.n_ids, job.recipe.seed
        )
        read_back = weights_digest(from_hugging_face(out, job.scratch / "back"))
        job.metadata |= {"weights digest": read_back, "reads back": read_back == weights_digest(checkpoint)}
        job.metadata["checkpoint"] = job.inputs["checkpoint"].manifest.partition


if __name__ == "__main__":
    main()
