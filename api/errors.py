"""Problems on the wire: one handler turns every error into RFC 9457 problem details."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from api.v1.common import Problem
from purna.core.errors import BadInput, Denied, PurnaError, RetryLater
from purna.core.texts import catalogue, pick_language, render

PROBLEM_JSON = "application/problem+json"
_TYPE = "https://purna.dev/problems/"

log = structlog.get_logger()


class SignInRequired(Denied):
    """Nobody is signed in, or the session or key is no longer valid."""

    status = 401


class TooManyAttempts(RetryLater):
    """Too many failed attempts; ``seconds`` says how long to wait."""

    status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__("auth.throttled", f"try again in {seconds} s", seconds=seconds)
        self.seconds = seconds


class ManyWrong(BadInput):
    """Several things are wrong; ``errors`` names each in the reader's language."""

    def __init__(self, code: str, detail: str, errors: list[dict[str, Any]], **params: Any) -> None:
        super().__init__(code, detail, **params)
        self.errors = errors


def problems(*statuses: int, open_to_all: bool = False) -> dict[int | str, dict[str, Any]]:
    """The ``responses=`` of a route: its own problems and those that any route may have."""
    common = (422,) if open_to_all else (401, 403, 422)
    return {status: _documented(status) for status in sorted({*common, *statuses})}


def install_error_handlers(app: FastAPI) -> None:
    """Makes every error of ``app`` a problem."""
    app.add_exception_handler(PurnaError, _on_purna_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_bug)


def problem_response(
    request: Request,
    status: int,
    code: str,
    *,
    detail: str = "",
    params: dict[str, Any] | None = None,
    errors: list[dict[str, Any]] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """A problem in the reader's language; ``detail`` stands in where the catalogue has no text."""
    language = pick_language(request.headers.get("accept-language"))
    known = code in catalogue(language)
    shown = dict(params or {})
    if "kind" in shown:  # names a kind of thing, which has a name in each language
        shown["kind"] = _kind(str(shown["kind"]), language)
    problem = Problem(
        type=_TYPE + code,
        title=render(f"problem.title.{status}", language),
        status=status,
        detail=render(code, language, **shown) if known else detail or code,
        code=code,
        errors=errors or [],
    )
    return JSONResponse(
        problem.model_dump(),
        status_code=status,
        media_type=PROBLEM_JSON,
        headers={"Content-Language": language, "Vary": "Accept-Language", **(headers or {})},
    )


def _kind(kind: str, language: str) -> str:
    code = f"kind.{kind}"
    return render(code, language) if code in catalogue(language) else kind


def _on_purna_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PurnaError)  # noqa: S101  (registered for nothing else)
    headers = {}
    if isinstance(error, SignInRequired):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RetryLater):
        headers["Retry-After"] = str(getattr(error, "seconds", 5))
    if error.status >= 500:
        log.warning("request failed", path=request.url.path, code=error.code, detail=error.detail)
    field = str(error.params.get("field") or "")
    wrong = [{"field": field, "reason": error.detail}] if field else []
    return problem_response(
        request,
        error.status,
        error.code,
        detail=error.detail,
        params=dict(error.params),
        errors=error.errors if isinstance(error, ManyWrong) else wrong,
        headers=headers,
    )


def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    language = pick_language(request.headers.get("accept-language"))
    wrong = [_wrong_field(item, language) for item in error.errors()]
    return problem_response(
        request,
        422,
        "request.invalid",
        params={"fields": ", ".join(entry["field"] for entry in wrong)},
        errors=wrong,
    )


def _wrong_field(item: Any, language: str) -> dict[str, Any]:
    where = [str(part) for part in item["loc"]]
    code = f"validation.{item['type']}"
    params = {name: str(value) for name, value in (item.get("ctx") or {}).items()}
    known = code in catalogue(language)
    return {
        "field": ".".join(where[1:]) or where[0],
        "in": where[0],
        "reason": render(code, language, **params) if known else item["msg"],
    }


def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    return problem_response(
        request,
        error.status_code,
        f"http.{error.status_code}",
        detail=str(error.detail),
        params={"path": request.url.path, "method": request.method},
        headers=dict(error.headers or {}),
    )


def _on_bug(request: Request, error: Exception) -> Response:
    # It is raised on after this answer, and the server logs it with its traceback.
    return problem_response(request, 500, "http.500")


def _documented(status: int) -> dict[str, Any]:
    code = _EXAMPLE_CODES[status]
    example = Problem(
        type=_TYPE + code,
        title=render(f"problem.title.{status}"),
        status=status,
        detail=render(code, **_EXAMPLE_PARAMS),
        code=code,
        errors=[{"field": "limit", "in": "query", "reason": "must be at most 200"}]
        if status == 422
        else [],
    )
    return {
        "description": render(f"problem.title.{status}"),
        "content": {
            PROBLEM_JSON: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": example.model_dump(),
            }
        },
    }


_EXAMPLE_CODES = {
    400: "http.400",
    401: "auth.required",
    403: "auth.right",
    404: "http.404",
    409: "order.state",
    422: "request.invalid",
    429: "auth.throttled",
    503: "service.busy",
}
_EXAMPLE_PARAMS: dict[str, Any] = {
    "path": "/api/v1/orders/ord_1",
    "fields": "limit",
    "seconds": 30,
    "right": "orders.act",
    "state": "completed",
    "action": "accept",
}
