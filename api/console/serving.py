"""Serves the built console beside the API, from the same address."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

DIST = Path(__file__).parent / "dist"
_NOT_THE_CONSOLE = ("/api/", "/openapi.json", "/healthz", "/metrics")
_FOR_EVER = "public, max-age=31536000, immutable"

NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Purna</title>
<h1>The console is not built</h1>
<p>The API works. To build the console, run <code>make console</code> in the checkout,
or install Purna from its wheel, which carries it.</p>
</html>
"""


class Console:
    """Answers what no route of the API does: files of the build, or the page of the app.

    Any other path is a page of the app, which reads the path itself. Files below ``assets/`` have
    a hash of their content in their name, so a browser may keep them for ever.
    """

    def __init__(self, dist: Path, otherwise: ASGIApp) -> None:
        self._otherwise = otherwise
        self._page = dist / "index.html"
        self._files = {
            f"/{path.relative_to(dist).as_posix()}": path
            for path in dist.rglob("*")
            if path.is_file()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if not path or path.startswith(_NOT_THE_CONSOLE) or path == "/api":
            await self._otherwise(scope, receive, send)
            return
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        await self._answer(path)(scope, receive, send)

    def _answer(self, path: str) -> Response:
        if path.startswith("/assets/"):
            if path not in self._files:
                raise HTTPException(404)
            return FileResponse(self._files[path], headers={"Cache-Control": _FOR_EVER})
        file = self._files.get(path, self._page)
        if not file.is_file():
            return HTMLResponse(NOT_BUILT)
        return FileResponse(file, headers={"Cache-Control": "no-cache"})
