"use strict";
// Draws the charts in the colours of the page, and again when those change.
const specs = JSON.parse(document.getElementById("specs").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
let views = [];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function config() {
  const heat = [colour("heat-low"), colour("heat-high")];
  return {
    background: "transparent",
    font: "system-ui, sans-serif",
    axis: {
      labelColor: colour("muted"), titleColor: colour("muted"), gridColor: colour("line"),
      domainColor: colour("line"), tickColor: colour("line"), titleFontWeight: "normal", labelFontSize: 11, titleFontSize: 11,
    },
    legend: { labelColor: colour("text"), titleColor: colour("muted"), titleFontWeight: "normal", labelFontSize: 12 },
    mark: { color: colour("accent") },
    range: { category: [colour("accent"), colour("second"), colour("third")], heatmap: heat, ramp: heat },
    view: { stroke: null },
  };
}

async function draw() {
  const before = views;
  // Without `ast`, Vega would make functions of text, which the page's policy forbids.
  const options = { mode: "vega-lite", renderer: "svg", actions: false, ast: true, config: config() };
  options.tooltip = { theme: dark.matches ? "dark" : "light" };
  views = Object.entries(specs).map(([id, spec]) => vegaEmbed(document.getElementById(id), spec, options));
  (await Promise.all(before)).forEach((view) => view.finalize());
}

dark.addEventListener("change", draw);
draw();
