"""The OpenAPI document tells what the code does: it is valid, complete, and the committed one is the present one."""

from __future__ import annotations

from boss.api import document


def test_everything_can_be_described():
    paths = document.document()["paths"]
    assert "/api/v1/tenancy/sites/{public_id}/" in paths


def test_the_committed_document_is_the_present_one():
    assert document.COMMITTED.read_bytes() == document.as_yaml(), "run manage.py openapi"


def test_it_is_valid_openapi_3_1():
    from drf_spectacular.validation import validate_schema

    assert document.document()["openapi"].startswith("3.1")
    validate_schema(document.document())


def test_every_acting_post_bears_an_idempotency_key():
    for path, methods in document.document()["paths"].items():
        if "post" in methods:
            names = [parameter["name"] for parameter in methods["post"].get("parameters", [])]
            assert "Idempotency-Key" in names, path


def test_every_operation_says_how_it_refuses():
    for methods in document.document()["paths"].values():
        for operation in methods.values():
            assert "application/problem+json" in operation["responses"]["default"]["content"]


def test_the_document_is_served_to_everybody(strangers_api):
    served = strangers_api.get("schema/")
    assert served.status_code == 200 and served.content == document.as_yaml()


def test_the_reference_page_has_nothing_inline(browser_of):
    page = browser_of().get("/api/docs/")
    html = page.content.decode()
    assert page.status_code == 200
    assert "<style" not in html and "style=" not in html and "onclick" not in html
    assert html.count("<script") == html.count("<script src=")
    assert "unsafe" not in page["Content-Security-Policy"] and "http" not in page["Content-Security-Policy"]
