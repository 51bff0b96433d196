"""The console: a single-page app in TypeScript (``ui/``), built to ``dist/``, served from there."""
