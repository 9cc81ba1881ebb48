"use strict";
// Draws the charts in the colors of the page, and again when the color scheme changes.
const specs = JSON.parse(document.getElementById("specs").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
let views = [];

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function config() {
  const heat = [color("heat-low"), color("heat-high")];
  return {
    background: "transparent",
    font: "system-ui, sans-serif",
    axis: {
      labelColor: color("muted"), titleColor: color("muted"), gridColor: color("line"),
      domainColor: color("line"), tickColor: color("line"), titleFontWeight: "normal", labelFontSize: 11, titleFontSize: 11,
    },
    legend: { labelColor: color("text"), titleColor: color("muted"), titleFontWeight: "normal", labelFontSize: 12 },
    mark: { color: color("accent") },
    range: { category: [color("accent"), color("second"), color("third")], heatmap: heat, ramp: heat },
    view: { stroke: null },
  };
}

async function draw() {
  const previous = views;
  // Without `ast`, Vega compiles expressions with `Function`, which the page's Content-Security-Policy forbids.
  const options = { mode: "vega-lite", renderer: "svg", actions: false, ast: true, config: config() };
  options.tooltip = { theme: dark.matches ? "dark" : "light" };
  views = Object.entries(specs).map(([id, spec]) => vegaEmbed(document.getElementById(id), spec, options));
  (await Promise.all(previous)).forEach((view) => view.finalize());
}

dark.addEventListener("change", draw);
draw();
