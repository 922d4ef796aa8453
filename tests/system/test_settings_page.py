"""deploy/settings.md is what the programs print of themselves."""

import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_the_page_of_settings_is_what_the_programs_print():
    printed = subprocess.run([ROOT / "deploy/settings", str(ROOT / "build/dev")],
                             capture_output=True, text=True, check=True).stdout
    page = (ROOT / "deploy/settings.md").read_text()
    assert page == printed, "run: deploy/settings build/dev > deploy/settings.md"
