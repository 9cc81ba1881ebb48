"""What `make release-check` finds."""

from scripts.release_check import build_problems, changelog_problems, page_problems, tag_problems


def test_a_version_needs_a_heading_with_a_date() -> None:
    assert [] == list(changelog_problems("# Changelog\n\n## [1.2.0] - 2026-12-01\n", "1.2.0"))
    for changelog in ("## [1.2.0] - unreleased\n", "## [1.1.0] - 2026-12-01\n", "## [1x2.0] - 2026-12-01\n"):
        (problem,) = changelog_problems(changelog, "1.2.0")
        assert "## [1.2.0] - YYYY-MM-DD" in problem


def test_the_page_on_an_index_needs_absolute_links() -> None:
    urls = {"urls": {"Source": "https://example.com"}}
    assert [] == list(page_problems("[docs](https://example.com/docs)", urls))
    problems = list(page_problems("[one](docs/one.md) and [two](#two)", {}))
    assert ["[project.urls]", "2 relative links, such as docs/one.md"] == [
        found for found in ("[project.urls]", "2 relative links, such as docs/one.md") if found in " ".join(problems)
    ]


def test_a_missing_tag_is_named() -> None:
    assert "there is no tag v0.0.0: run `git tag v0.0.0`" in list(tag_problems("v0.0.0"))


def test_the_built_files_read_well() -> None:
    """Built as for a release, and checked by twine."""
    assert [] == list(build_problems())
