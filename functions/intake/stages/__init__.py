"""The steps of the pipeline, one module each, named for the function or step that runs it."""
