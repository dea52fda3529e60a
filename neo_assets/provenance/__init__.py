"""Where every artefact came from: manifests and cards."""
