// Renders built dashboards over the data of a Prometheus, light and dark:
//   node render.mjs --prometheus URL [--at 2026-05-20T14:20:00Z] [--output DIR] [--browser PATH] DASHBOARD.json ...

import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { basename, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { build } from "esbuild";
import { chromium } from "playwright-core";
import sharp from "sharp";

const HERE = fileURLToPath(new URL(".", import.meta.url));
// The packages' ES modules import CommonJS ones in a way that only their own bundler accepts.
const GRAFANA = ["@grafana/data", "@grafana/schema", "@grafana/ui"];
const ICONS = join(HERE, "node_modules/@grafana/ui/dist");
const WIDTH = 1600;
const COLORS = 96; // a palette keeps a picture below 300 kB
const MODES = ["light", "dark"];
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const PAGE =
  '<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="main.css">' +
  '<body style="margin: 0"><div id="root"></div><script src="main.js"></script></body>';

async function bundle(folder) {
  await build({
    entryPoints: [join(HERE, "src/main.jsx")],
    outdir: folder,
    bundle: true,
    jsx: "automatic",
    alias: Object.fromEntries(GRAFANA.map((name) => [name, join(HERE, `node_modules/${name}/dist/cjs/index.cjs`)])),
    define: { "process.env.NODE_ENV": '"production"', global: "window" },
    loader: { ".ttf": "empty", ".woff": "dataurl", ".woff2": "dataurl" },
    logLevel: "error",
  });
  await writeFile(join(folder, "index.html"), PAGE);
}

function serve(folder) {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, "http://localhost").pathname);
    const file = join(path.startsWith("/public/") ? ICONS : folder, path === "/" ? "index.html" : path);
    response.setHeader("Content-Type", TYPES[extname(file)] ?? "application/octet-stream");
    createReadStream(file)
      .on("error", () => response.writeHead(404).end())
      .pipe(response);
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

async function render(browser, origin, job) {
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 600 } });
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  await page.goto(origin, { waitUntil: "load" });
  const drawn = await page.evaluate((one) => window.preview(one), { ...job, width: WIDTH });
  problems.push(...drawn.problems);
  await page.waitForFunction((icons) => document.querySelectorAll("svg").length >= icons, drawn.icons);
  const picture = await page.screenshot({ fullPage: true, animations: "disabled" });
  await page.close();
  return { picture: await sharp(picture).png({ palette: true, colors: COLORS, effort: 10 }).toBuffer(), problems };
}

async function main() {
  const { values: options, positionals: files } = parseArgs({
    allowPositionals: true,
    options: {
      prometheus: { type: "string" },
      at: { type: "string", default: new Date().toISOString() },
      output: { type: "string", default: "." },
      browser: { type: "string", default: "/usr/bin/chromium" },
    },
  });
  const folder = await mkdtemp(join(tmpdir(), "dashboard-preview-"));
  await mkdir(options.output, { recursive: true });
  await bundle(folder);
  const server = await serve(folder);
  const browser = await chromium.launch({ executablePath: options.browser, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    for (const file of files) {
      const dashboard = JSON.parse(await readFile(file, "utf8"));
      for (const mode of MODES) {
        const job = { dashboard, prometheus: options.prometheus, at: options.at, mode };
        const { picture, problems } = await render(browser, `http://127.0.0.1:${server.address().port}/`, job);
        const name = join(options.output, `${basename(file, ".json")}-${mode}.png`);
        await writeFile(name, picture);
        console.log(`${name}: ${Math.ceil(picture.length / 1000)} kB`);
        problems.forEach((problem) => console.error(`${name}: ${problem}`));
        process.exitCode ||= problems.length ? 1 : 0;
      }
    }
  } finally {
    await browser.close();
    server.close();
    await rm(folder, { recursive: true });
  }
}

await main();
