// Writes ../vendor/ from the pinned packages: ES modules, their licences, and VENDOR.lock with versions and hashes.
// With --check it writes nothing and ends with 1 when vendor/ is not what the pinned packages give.
import { createHash } from "node:crypto";
import { mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const vendor = join(here, "..", "vendor");
const check = process.argv.includes("--check");
const PACKAGES = ["preact", "@preact/signals", "@preact/signals-core", "htm", "leaflet", "echarts", "zrender", "tslib"];

/** What each module is made of, and what it gives. */
const BUNDLES = {
  "preact.js": { of: ["preact", "@preact/signals", "@preact/signals-core", "htm"], contents: `
    import { h } from "preact";
    import htm from "htm";
    export { h, render, Fragment, createContext } from "preact";
    export { useState, useEffect, useLayoutEffect, useRef, useMemo, useCallback, useContext, useId } from "preact/hooks";
    export { signal, computed, effect, batch, untracked, useSignal, useComputed, useSignalEffect } from "@preact/signals";
    export const html = htm.bind(h);
  ` },
  "leaflet.js": { of: ["leaflet"], contents: `
    export { Browser, DomEvent, DomUtil, Layer, canvas, control, geoJSON, imageOverlay, latLng, latLngBounds, map, polyline, tileLayer }
      from "leaflet/dist/leaflet-src.esm.js";
  ` },
  "echarts.js": { of: ["echarts", "zrender", "tslib"], contents: `
    import { use } from "echarts/core";
    import { BarChart, CustomChart, HeatmapChart, LineChart, SankeyChart, ScatterChart } from "echarts/charts";
    import { DataZoomComponent, GridComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
    import { CanvasRenderer } from "echarts/renderers";
    use([BarChart, CustomChart, HeatmapChart, LineChart, SankeyChart, ScatterChart, DataZoomComponent, GridComponent, MarkAreaComponent, MarkLineComponent,
      TooltipComponent, VisualMapComponent, CanvasRenderer]);
    export { init } from "echarts/core";
  ` },
};
/** Taken over as they are. */
const COPIES = { "leaflet.css": "leaflet/dist/leaflet.css" };
/** Where a package's licence does not lie in a file LICENSE alone. */
const LICENCES = { echarts: ["LICENSE", "NOTICE", "licenses/LICENSE-d3"], tslib: ["LICENSE.txt"] };
/** Types written by hand, beside the modules. */
const OWN = ["preact.d.ts", "leaflet.d.ts", "echarts.d.ts"];

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const manifest = (name) => JSON.parse(readFileSync(join(here, "node_modules", name, "package.json"), "utf8"));

async function makeInto(folder) {
  mkdirSync(join(folder, "licences"), { recursive: true });
  const files = {};
  for (const [name, { of, contents }] of Object.entries(BUNDLES)) {
    const names = of.map((one) => `${one} ${manifest(one).version} (${manifest(one).license})`).join(", ");
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: here },
      bundle: true, minify: true, format: "esm", target: "es2020", write: false, legalComments: "none",
      banner: { js: `/* ${names}; see VENDOR.lock and licences/ */` },
    });
    files[name] = Buffer.from(outputFiles[0].contents);
  }
  for (const [name, path] of Object.entries(COPIES)) files[name] = readFileSync(join(here, "node_modules", path));
  for (const name of PACKAGES) {
    files[`licences/${name.replace("@", "").replace("/", "-")}.txt`] = Buffer.concat((LICENCES[name] ?? ["LICENSE"]).map((file) => readFileSync(join(here, "node_modules", name, file))));
  }
  const lock = {
    packages: PACKAGES.map((name) => ({ name, version: manifest(name).version, licence: manifest(name).license })),
    made_with: { esbuild: manifest("esbuild").version },
    files: Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, { bytes: bytes.length, sha256: sha256(bytes) }])),
  };
  files["VENDOR.lock"] = Buffer.from(JSON.stringify(lock, null, 2) + "\n");
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  return files;
}

const folder = check ? mkdtempSync(join(tmpdir(), "vendor-")) : vendor;
const files = await makeInto(folder);
if (check) {
  const known = new Set([...Object.keys(files), ...OWN]);
  const present = readdirSync(vendor, { recursive: true }).map(String).filter((name) => name !== "licences");
  const wrong = [
    ...Object.entries(files).filter(([name, bytes]) => !existsSync(join(vendor, name)) || !readFileSync(join(vendor, name)).equals(bytes)).map(([name]) => `differs: vendor/${name}`),
    ...present.filter((name) => !known.has(name.replaceAll("\\", "/"))).map((name) => `not made by this script: vendor/${name}`),
  ];
  rmSync(folder, { recursive: true });
  if (wrong.length > 0) {
    console.error(wrong.join("\n") + "\nRun: npm ci && npm run vendor");
    process.exit(1);
  }
}
for (const [name, bytes] of Object.entries(files)) console.log(`${sha256(bytes).slice(0, 12)}  ${String(bytes.length).padStart(7)}  ${name}`);
