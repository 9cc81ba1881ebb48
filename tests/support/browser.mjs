// Opens a page in headless Chromium and tells, as JSON, what a reader would meet: node browser.mjs FOLDER SCENES
// A scene has a name and a page, and may have a width, a scheme, a time zone, a scheme to change to, and scripts forbidden.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [folder, scenes] = process.argv.slice(2);
const unpacked = mkdtempSync(join(tmpdir(), "chromium-"));

async function chromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  process.env.TMPDIR = unpacked; // where the package puts the browser
  process.env.AWS_LAMBDA_JS_RUNTIME = "nodejs22.x"; // so that it brings the libraries that a plain system lacks
  process.env.FONTCONFIG_FILE = join(unpacked, "fonts.conf");
  writeFileSync(process.env.FONTCONFIG_FILE, `<fontconfig><dir>${join(unpacked, "fonts")}</dir></fontconfig>`);
  return (await import("@sparticuz/chromium")).default.executablePath();
}

async function look(browser, { name, page, width = 1200, scheme = "light", timezone = "UTC", change, scripts = true }) {
  const tab = await browser.newPage();
  const said = [];
  const asked = [];
  tab.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
  tab.on("pageerror", (error) => said.push(`error: ${error.message}`));
  tab.on("request", (request) => asked.push(request.url()));
  await tab.setJavaScriptEnabled(scripts);
  await tab.setViewport({ width, height: 800 });
  await tab.emulateTimezone(timezone);
  await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await tab.goto(pathToFileURL(page).href);
  const until = (condition, ...given) => tab.waitForFunction(condition, { timeout: 10_000 }, ...given)
    .catch((error) => said.push(`error: ${error.message}`));
  if (scripts) await until(drawn);
  if (change) {
    const before = await tab.evaluate(colours);
    await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: change }]);
    await until(redrawn, before);
  }
  const seen = { said, asked, ...(await tab.evaluate(observe)), focused: scripts ? await tabs(tab) : [] };
  await tab.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  await tab.close();
  return seen;
}

function drawn() {
  return [...document.querySelectorAll(".chart")].every((chart) => chart.querySelector("svg .role-mark path"));
}

function colours() {
  return [...document.querySelectorAll(".chart")].map((chart) => {
    const mark = chart.querySelector("svg .role-mark path");
    return mark && `${mark.getAttribute("fill")} ${mark.getAttribute("stroke")}`;
  });
}

function redrawn(before) {
  return [...document.querySelectorAll(".chart")].every((chart, place) => {
    const mark = chart.querySelector("svg .role-mark path");
    return mark && `${mark.getAttribute("fill")} ${mark.getAttribute("stroke")}` !== before[place];
  });
}

function observe() {
  const style = (element) => getComputedStyle(element);
  const root = document.documentElement;
  return {
    hacked: "hacked" in window,
    overflow: root.scrollWidth - root.clientWidth,
    background: style(document.body).backgroundColor,
    tables: [...document.querySelectorAll("table")].filter((table) => table.checkVisibility()).map((table) => table.id),
    charts: [...document.querySelectorAll(".chart")].filter((chart) => chart.checkVisibility()).map((chart) => ({
      id: chart.id,
      label: chart.getAttribute("aria-label"),
      marks: [...chart.querySelectorAll("svg .role-mark path")].map((mark) => ({
        text: mark.getAttribute("aria-label"), fill: mark.getAttribute("fill"), stroke: mark.getAttribute("stroke"),
      })),
      labels: [...chart.querySelectorAll("svg .role-axis-label text")].map((text) => text.textContent),
      outside: (chart.querySelector("svg")?.getBoundingClientRect().right ?? 0) > root.clientWidth,
    })),
  };
}

async function tabs(tab) {
  const reached = [];
  for (let i = 0; i < 100; i += 1) {
    await tab.keyboard.press("Tab");
    const at = await tab.evaluate(async () => {
      await new Promise(requestAnimationFrame); // until which what is focused is not in view
      const element = document.activeElement;
      if (element === document.body) return null;
      const box = element.getBoundingClientRect();
      const name = element.getAttribute("href") ?? element.getAttribute("aria-label") ?? element.textContent.trim();
      return { tag: element.localName, name, visible: box.right > 0 && box.bottom > 0 && box.width > 0,
        outlined: getComputedStyle(element).outlineStyle !== "none" };
    });
    if (!at) break;
    reached.push(at);
  }
  return reached;
}

try {
  const executablePath = await chromium();
  const browser = await puppeteer.launch({ executablePath, args: ["--no-sandbox"], headless: "shell" });
  try {
    const seen = {};
    for (const scene of JSON.parse(scenes)) seen[scene.name] = await look(browser, scene);
    console.log(JSON.stringify(seen));
  } finally {
    await browser.close();
  }
} finally {
  rmSync(unpacked, { recursive: true, force: true });
}
