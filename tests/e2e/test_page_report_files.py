"""The report's files after the call: each form can be taken away, of the version that is shown."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import expect

from tests.page import canned

from .test_page_report import WRITTEN, end

pytestmark = pytest.mark.asyncio(loop_scope="session")
STARTS = {"PDF": b"%PDF-", "DOCX": b"PK", "MD": b"# Evolu", "FHIR": b'{"resourceType"'}


async def test_every_form_is_downloaded_under_its_name(stub, open_page, tmp_path):
    await stub.shelf.add(WRITTEN)
    page = await end(stub, open_page)
    for label, start in STARTS.items():
        async with page.expect_download() as caught:
            await page.locator("#report .report-files button", has_text=label).click()
        download = await caught.value
        suffix = "fhir.json" if label == "FHIR" else label.lower()
        assert download.suggested_filename == f"report-{canned.ID}-v1-draft.{suffix}"
        await download.save_as(tmp_path / label)
        content = (tmp_path / label).read_bytes()
        assert content.startswith(start)
        if label == "FHIR":
            assert "alergias" not in json.loads(content)["entry"][0]["resource"]["section"][0]["text"]["div"]


async def test_the_page_says_that_a_drafts_files_are_a_draft(stub, open_page):
    await stub.shelf.add(WRITTEN)
    page = await end(stub, open_page)
    await expect(page.locator(".report-files .muted")).to_contain_text("rascunho não assinado")


async def test_a_patient_sees_no_files_of_the_report(stub, open_page):
    await stub.shelf.add(WRITTEN)
    page = await end(stub, open_page, role="patient")
    await page.wait_for_selector("#transcript, .formats")
    assert await page.locator(".report-files").count() == 0
