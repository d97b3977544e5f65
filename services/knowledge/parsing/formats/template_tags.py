"""Static site generators' tags in Markdown (Hugo, Jekyll, Liquid): what they show stays, the tag itself goes."""

import re

# A tag, or inline code, in which a tag is only talked about. Bounded, so that an unclosed opening costs little.
_TAG_OR_CODE = re.compile(r"`[^`\n]{1,500}`|\{\{[<%](?P<hugo>[^{}]{0,500})[>%]\}\}|\{%(?P<liquid>[^{}]{0,500})%\}")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_TEXT = re.compile(r'\btext\s*=\s*"([^"]*)"')
_FIRST_ARGUMENT = re.compile(r'\s*[\w./-]+\s+"([^"]*)"')
# These name another file, whose text isn't here.
_INCLUDES = re.compile(r"\s*(?:include|render|layout|extends|import)\b")


def resolve_template_tags(markdown: str) -> str:
    """Returns the Markdown with its text, its first quoted argument or nothing for each tag that isn't in code."""
    if "{{" not in markdown and "{%" not in markdown:
        return markdown
    lines: list[str] = []
    fence = ""
    for line in markdown.split("\n"):
        opening = _FENCE.match(line)
        if opening and (not fence or (line.strip() == opening[1] and opening[1].startswith(fence))):
            fence = "" if fence else opening[1]
        lines.append(line if fence or opening else _TAG_OR_CODE.sub(_shown, line))
    return "\n".join(lines)


def _shown(match: re.Match[str]) -> str:
    tag = match["hugo"] or match["liquid"]
    if tag is None:
        return match[0]
    if _INCLUDES.match(tag):
        return ""
    shown = _TEXT.search(tag) or _FIRST_ARGUMENT.match(tag)
    return shown[1] if shown else ""
