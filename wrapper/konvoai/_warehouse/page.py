"""The page of a report: its tables and charts, and all that they need, in one text."""

from __future__ import annotations

import functools
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from hashlib import sha256
from importlib.resources import files
from typing import Any, NamedTuple, TypeVar

import altair as alt
import jinja2
import vl_convert

from .figures import Figures, Group

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
Amount = TypeVar("Amount", alt.X, alt.Y)


class Unit(NamedTuple):
    """A unit of the times in charts."""

    name: str
    seconds: int

    def of(self, group: Group) -> float | None:
        return None if group.median is None else round(group.median / self.seconds, 2)


UNITS = (Unit("days", 86400), Unit("hours", 3600), Unit("minutes", 60))


class Chart(NamedTuple):
    """A chart: its id in the page, its title, what it shows in words, and its Vega-Lite."""

    id: str
    title: str
    label: str
    spec: dict[str, Any]


class Section(NamedTuple):
    """Figures by one property, as charts and as a table."""

    by: str
    head: str
    groups: Sequence[Group]
    charts: Sequence[Chart]


def page(figures: Figures) -> str:
    """The HTML of a report."""
    unit = next((unit for unit in UNITS if (figures.total.median or 0) >= unit.seconds), UNITS[-1])
    sections = [
        section(by, head, groups, unit)
        for by, head, groups in (
            ("week", "Week from", figures.weeks),
            ("channel", "Channel", figures.channels),
            ("skill", "Skill", figures.skills),
        )
        if groups
    ]
    messages = messages_chart(figures.weeks) if any(week.messages for week in figures.weeks) else None
    hours = hours_chart(figures.hours) if figures.hours else None
    charts = [*(chart for part in sections for chart in part.charts), *filter(None, (messages, hours))]
    scripts = [library(), own("report.js")] if charts else []
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["duration"] = duration
    return environment.from_string(own("report.html")).render(
        figures=figures,
        total=figures.total,
        sections=sections,
        messages=messages,
        hours=hours,
        busiest=max(figures.hours, key=lambda hour: figures.hours[hour], default=None),
        days=DAYS,
        specs={chart.id: chart.spec for chart in charts},
        scripts=scripts,
        hashes=[f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts],
    )


def section(by: str, head: str, groups: Sequence[Group], unit: Unit) -> Section:
    measures: tuple[tuple[str, str, str, Callable[[Group], float | None]], ...] = (
        ("sessions", "Sessions", ",d", lambda group: group.sessions),
        ("rate", "Resolution rate", ".0%", lambda group: group.rate),
        ("time", f"Median time to resolution, in {unit.name}", ",.1~f", unit.of),
    )
    charts = []
    for name, title, form, value in measures:
        rows = [{"name": group.name, "value": value(group)} for group in groups]
        if any(row["value"] is not None for row in rows):
            drawn = week_chart(rows, title, form) if by == "week" else name_chart(rows, head, title, form)
            charts.append(chart(f"{by}-{name}", title, f"{title} by {by}", drawn))
    return Section(by, head, groups, charts)


def chart(name: str, title: str, label: str, drawn: alt.Chart) -> Chart:
    spec = drawn.properties(width="container").to_dict()
    del spec["$schema"], spec["config"]  # the page has its own; and it names no address
    return Chart(name, title, f"{label}: a chart of the numbers in the table below it", spec)


def week_chart(rows: Iterable[dict[str, Any]], title: str, form: str) -> alt.Chart:
    """Bars of what is counted, else a line."""
    base = alt.Chart(alt.InlineData(values=[row | week_of(row["name"]) for row in rows])).properties(height=150)
    x, y = week_axis(), amount(alt.Y("value:Q"), form)
    tooltip = [alt.Tooltip("name:N", title="Week from"), alt.Tooltip("value:Q", title=title, format=form)]
    if form == ",d":
        return encoded(base.mark_bar(orient="vertical"), x=x, x2="end:T", y=y, tooltip=tooltip)
    return encoded(base.mark_line(point=True), x=x, y=y, tooltip=tooltip)


def encoded(mark: alt.Chart, **channels: Any) -> alt.Chart:
    drawn: alt.Chart = mark.encode(**channels)
    return drawn


def week_of(monday: str | None) -> dict[str, str]:
    """From when to when a bar goes: to Sunday, so that there is a gap before the next."""
    start = date.fromisoformat(monday or "")
    return {"start": start.isoformat(), "end": (start + timedelta(days=6)).isoformat()}


def week_axis() -> alt.X:
    return alt.X("start:T").scale(type="utc").title(None).axis(labelOverlap=True, tickCount=6, grid=False)


def amount(channel: Amount, form: str) -> Amount:
    """The axis of what is measured."""
    scale = alt.Scale(domain=[0, 1]) if form.endswith("%") else alt.Scale(zero=True, nice=True)
    axis = alt.Axis(format=form, tickCount=4, labelOverlap=True, labelSeparation=6)
    if form == ",d":
        axis.tickMinStep = 1  # else two ticks would tell the same whole number
    return channel.scale(scale).title(None).axis(axis)


def name_chart(rows: list[dict[str, Any]], head: str, title: str, form: str) -> alt.Chart:
    tooltip = [alt.Tooltip("name:N", title=head), alt.Tooltip("value:Q", title=title, format=form)]
    y = alt.Y("name:N").sort(None).title(None).axis(labelLimit=110, grid=False)
    base = alt.Chart(alt.InlineData(values=rows)).properties(height=22 * len(rows))
    return encoded(base.mark_bar(height={"band": 0.7}), y=y, x=amount(alt.X("value:Q"), form), tooltip=tooltip)


def messages_chart(weeks: Iterable[Group]) -> Chart:
    rows = [
        {"name": week.name, **week_of(week.name), "sender": sender, "value": number}
        for week in weeks
        for sender, number in (("customers", week.received), ("the AI", week.sent), ("others", week.others))
        if number
    ]
    senders = list(dict.fromkeys(row["sender"] for row in rows))
    color = alt.Color("sender:N").scale(domain=senders).title(None).legend(orient="top")
    tooltip = [alt.Tooltip("name:N", title="Week from"), alt.Tooltip("sender:N", title="From")]
    tooltip.append(alt.Tooltip("value:Q", title="Messages", format=",d"))
    bars = alt.Chart(alt.InlineData(values=rows)).properties(height=200).mark_bar(orient="vertical")
    y = amount(alt.Y("value:Q"), ",d")
    drawn = encoded(bars, x=week_axis(), x2="end:T", y=y, color=color, tooltip=tooltip)
    return chart("messages", "Messages by week and sender", "Messages by week and sender", drawn)


def hours_chart(hours: Mapping[tuple[int, int], int]) -> Chart:
    rows = [
        {"day": name, "hour": hour, "value": hours.get((day, hour), 0)}
        for day, name in enumerate(DAYS)
        for hour in range(24)
    ]
    x = alt.X("hour:O").title("Hour").axis(labelAngle=0, labelOverlap=True)
    y = alt.Y("day:O").sort(None).title(None)
    color = (
        alt.Color("value:Q").scale(domainMin=0).title("Sessions").legend(orient="bottom", tickCount=4, tickMinStep=1)
    )
    tooltip = [alt.Tooltip("day:N", title="Day"), alt.Tooltip("hour:O", title="Hour")]
    tooltip.append(alt.Tooltip("value:Q", title="Sessions", format=",d"))
    cells = alt.Chart(alt.InlineData(values=rows)).properties(height=26 * len(DAYS)).mark_rect()
    drawn = encoded(cells, x=x, y=y, color=color, tooltip=tooltip)
    return chart("hours", "Sessions by weekday and hour", "Sessions by weekday and hour", drawn)


def duration(seconds: float) -> str:
    """As `3 h 05 min`: two units are enough."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def own(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


@functools.cache
def library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script: those for which altair writes."""
    version = alt.SCHEMA_VERSION.removeprefix("v").rpartition(".")[0]
    snippet = "window.vegaEmbed = vegaEmbed;"
    return vl_convert.javascript_bundle(snippet, vl_version=version).replace("</script", "<\\/script")
