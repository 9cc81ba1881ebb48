// Opens pages in headless Chromium and prints, as JSON, what each shows: node browser.mjs FOLDER SCENES
// A scene has a name and a page; it may have a width, a color scheme, a time zone, a scheme to change to,
// and scripts disabled.
// A screenshot of each scene is saved in FOLDER.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [folder, scenes] = process.argv.slice(2);
const temporary = mkdtempSync(join(tmpdir(), "chromium-"));

async function chromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  process.env.TMPDIR = temporary; // where the package unpacks the browser
  process.env.AWS_LAMBDA_JS_RUNTIME = "nodejs22.x"; // it unpacks shared libraries that a minimal system lacks
  process.env.FONTCONFIG_FILE = join(temporary, "fonts.conf");
  writeFileSync(process.env.FONTCONFIG_FILE, `<fontconfig><dir>${join(temporary, "fonts")}</dir></fontconfig>`);
  return (await import("@sparticuz/chromium")).default.executablePath();
}

async function show(browser, { name, page, width = 1200, scheme = "light", timezone = "UTC", change, scripts = true }) {
  const tab = await browser.newPage();
  const logs = [];
  const requests = [];
  tab.on("console", (message) => logs.push(`${message.type()}: ${message.text()}`));
  tab.on("pageerror", (error) => logs.push(`error: ${error.message}`));
  tab.on("request", (request) => requests.push(request.url()));
  await tab.setJavaScriptEnabled(scripts);
  await tab.setViewport({ width, height: 800 });
  await tab.emulateTimezone(timezone);
  await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await tab.goto(pathToFileURL(page).href);
  const waitFor = (condition, ...values) => tab.waitForFunction(condition, { timeout: 10_000 }, ...values)
    .catch((error) => logs.push(`error: ${error.message}`));
  if (scripts) await waitFor(drawn);
  if (change) {
    const before = await tab.evaluate(colors);
    await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: change }]);
    await waitFor(redrawn, before);
  }
  const focused = scripts ? await focusedElements(tab) : [];
  const shown = { logs, requests, ...(await tab.evaluate(inspect)), focused };
  await tab.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  await tab.close();
  return shown;
}

function drawn() {
  return [...document.querySelectorAll(".chart")].every((chart) => chart.querySelector("svg .role-mark path"));
}

function colors() {
  return [...document.querySelectorAll(".chart")].map((chart) => {
    const mark = chart.querySelector("svg .role-mark path");
    return mark && `${mark.getAttribute("fill")} ${mark.getAttribute("stroke")}`;
  });
}

function redrawn(before) {
  return [...document.querySelectorAll(".chart")].every((chart, index) => {
    const mark = chart.querySelector("svg .role-mark path");
    return mark && `${mark.getAttribute("fill")} ${mark.getAttribute("stroke")}` !== before[index];
  });
}

function inspect() {
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

async function focusedElements(tab) {
  const focused = [];
  for (let i = 0; i < 100; i += 1) {
    await tab.keyboard.press("Tab");
    const current = await tab.evaluate(async () => {
      await new Promise(requestAnimationFrame); // the focused element scrolls into view with the next frame
      const element = document.activeElement;
      if (element === document.body) return null;
      const box = element.getBoundingClientRect();
      const name = element.getAttribute("href") ?? element.getAttribute("aria-label") ?? element.textContent.trim();
      return { tag: element.localName, name, visible: box.right > 0 && box.bottom > 0 && box.width > 0,
        outlined: getComputedStyle(element).outlineStyle !== "none" };
    });
    if (!current) break;
    focused.push(current);
  }
  return focused;
}

try {
  const executablePath = await chromium();
  const browser = await puppeteer.launch({ executablePath, args: ["--no-sandbox"], headless: "shell" });
  try {
    const shown = {};
    for (const scene of JSON.parse(scenes)) shown[scene.name] = await show(browser, scene);
    console.log(JSON.stringify(shown));
  } finally {
    await browser.close();
  }
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
