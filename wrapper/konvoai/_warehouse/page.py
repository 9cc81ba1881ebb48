"""The HTML of a report: tables, charts and the scripts that draw them, in one file."""

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

COUNT = ",d"  # a format of Vega (d3-format): an integer with thousands separators
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ValueAxis = TypeVar("ValueAxis", alt.X, alt.Y)


class Unit(NamedTuple):
    """A unit of time in charts."""

    name: str
    seconds: int

    def median_time(self, group: Group) -> float | None:
        return None if group.median_seconds is None else round(group.median_seconds / self.seconds, 2)


UNITS = (Unit("days", 86400), Unit("hours", 3600), Unit("minutes", 60))


class Chart(NamedTuple):
    """A chart: the id of its element, its title, its label for screen readers, and its Vega-Lite specification."""

    id: str
    title: str
    label: str
    spec: dict[str, Any]


class Section(NamedTuple):
    """Figures grouped by one property, shown in charts and a table."""

    by: str
    heading: str
    groups: Sequence[Group]
    charts: Sequence[Chart]


def render(figures: Figures) -> str:
    """Returns the HTML of a report."""
    unit = next((unit for unit in UNITS if (figures.total.median_seconds or 0) >= unit.seconds), UNITS[-1])
    sections = [
        make_section(by, heading, groups, unit)
        for by, heading, groups in (
            ("week", "Week from", figures.weeks),
            ("channel", "Channel", figures.channels),
            ("skill", "Skill", figures.skills),
        )
        if groups
    ]
    messages = messages_chart(figures.weeks) if any(week.messages for week in figures.weeks) else None
    hours = hours_chart(figures.hours) if figures.hours else None
    charts = [*(chart for section in sections for chart in section.charts), *filter(None, (messages, hours))]
    scripts = [chart_library(), read_asset("report.js")] if charts else []
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["duration"] = duration
    return environment.from_string(read_asset("report.html")).render(
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


def make_section(by: str, heading: str, groups: Sequence[Group], unit: Unit) -> Section:
    measures: tuple[tuple[str, str, str, Callable[[Group], float | None]], ...] = (
        ("sessions", "Sessions", COUNT, lambda group: group.sessions),
        ("rate", "Resolution rate", ".0%", lambda group: group.resolution_rate),
        ("time", f"Median time to resolution, in {unit.name}", ",.1~f", unit.median_time),
    )
    charts = []
    for name, title, number_format, value in measures:
        rows = [{"name": group.name, "value": value(group)} for group in groups]
        if any(row["value"] is not None for row in rows):
            drawing = (
                week_chart(rows, title, number_format)
                if by == "week"
                else category_chart(rows, heading, title, number_format)
            )
            charts.append(make_chart(f"{by}-{name}", title, f"{title} by {by}", drawing))
    return Section(by, heading, groups, charts)


def make_chart(id: str, title: str, label: str, drawing: alt.Chart) -> Chart:
    spec = drawing.properties(width="container").to_dict()
    del spec["$schema"], spec["config"]  # report.js sets the config; the schema is a URL, and the page has none
    return Chart(id, title, f"{label}: a chart of the numbers in the table below it", spec)


def week_chart(rows: Iterable[dict[str, Any]], title: str, number_format: str) -> alt.Chart:
    """Returns a bar chart of counts, or a line chart of other values."""
    base = alt.Chart(alt.InlineData(values=[row | bar_ends(row["name"]) for row in rows])).properties(height=150)
    x, y = week_axis(), value_axis(alt.Y("value:Q"), number_format)
    tooltip = [alt.Tooltip("name:N", title="Week from"), alt.Tooltip("value:Q", title=title, format=number_format)]
    if number_format == COUNT:
        return encode(base.mark_bar(orient="vertical"), x=x, x2="end:T", y=y, tooltip=tooltip)
    return encode(base.mark_line(point=True), x=x, y=y, tooltip=tooltip)


def encode(mark: alt.Chart, **channels: Any) -> alt.Chart:
    drawing: alt.Chart = mark.encode(**channels)
    return drawing


def bar_ends(monday: str | None) -> dict[str, str]:
    """Returns where the bar of a week starts and ends: on Sunday, which leaves a gap to the next bar."""
    start = date.fromisoformat(monday or "")
    return {"start": start.isoformat(), "end": (start + timedelta(days=6)).isoformat()}


def week_axis() -> alt.X:
    return alt.X("start:T").scale(type="utc").title(None).axis(labelOverlap=True, tickCount=6, grid=False)


def value_axis(channel: ValueAxis, number_format: str) -> ValueAxis:
    scale = alt.Scale(domain=[0, 1]) if number_format.endswith("%") else alt.Scale(zero=True, nice=True)
    axis = alt.Axis(format=number_format, tickCount=4, labelOverlap=True, labelSeparation=6)
    if number_format == COUNT:
        axis.tickMinStep = 1  # two ticks less than 1 apart would get the same label
    return channel.scale(scale).title(None).axis(axis)


def category_chart(rows: list[dict[str, Any]], heading: str, title: str, number_format: str) -> alt.Chart:
    tooltip = [alt.Tooltip("name:N", title=heading), alt.Tooltip("value:Q", title=title, format=number_format)]
    y = alt.Y("name:N").sort(None).title(None).axis(labelLimit=110, grid=False)
    base = alt.Chart(alt.InlineData(values=rows)).properties(height=22 * len(rows))
    x = value_axis(alt.X("value:Q"), number_format)
    return encode(base.mark_bar(height={"band": 0.7}), y=y, x=x, tooltip=tooltip)


def messages_chart(weeks: Iterable[Group]) -> Chart:
    rows = [
        {"name": week.name, **bar_ends(week.name), "sender": sender, "value": count}
        for week in weeks
        for sender, count in (
            ("customers", week.from_customers),
            ("the AI", week.from_ai),
            ("others", week.from_others),
        )
        if count
    ]
    senders = list(dict.fromkeys(row["sender"] for row in rows))
    color = alt.Color("sender:N").scale(domain=senders).title(None).legend(orient="top")
    tooltip = [alt.Tooltip("name:N", title="Week from"), alt.Tooltip("sender:N", title="From")]
    tooltip.append(alt.Tooltip("value:Q", title="Messages", format=COUNT))
    bars = alt.Chart(alt.InlineData(values=rows)).properties(height=200).mark_bar(orient="vertical")
    y = value_axis(alt.Y("value:Q"), COUNT)
    drawing = encode(bars, x=week_axis(), x2="end:T", y=y, color=color, tooltip=tooltip)
    return make_chart("messages", "Messages by week and sender", "Messages by week and sender", drawing)


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
    tooltip.append(alt.Tooltip("value:Q", title="Sessions", format=COUNT))
    cells = alt.Chart(alt.InlineData(values=rows)).properties(height=26 * len(DAYS)).mark_rect()
    drawing = encode(cells, x=x, y=y, color=color, tooltip=tooltip)
    return make_chart("hours", "Sessions by weekday and hour", "Sessions by weekday and hour", drawing)


def duration(seconds: float) -> str:
    """Returns the two largest units of a duration: `3 h 05 min`."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


def read_asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


@functools.cache
def chart_library() -> str:
    """Returns Vega, Vega-Lite and Vega-Embed as one script, in the versions that altair's specifications need."""
    version = alt.SCHEMA_VERSION.removeprefix("v").rpartition(".")[0]
    snippet = "window.vegaEmbed = vegaEmbed;"
    return vl_convert.javascript_bundle(snippet, vl_version=version).replace("</script", "<\\/script")
