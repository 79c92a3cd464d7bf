// Bundles site/ into dist/: files with their hash in the name, so that they may be cached for ever, and an index.html that
// names them. Firebase becomes a chunk of its own; sw.js is told what to keep on the device. dist/.built holds a digest of
// everything that went in; infra/local/site.py serves dist/ only while it is that of the sources.

import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const site = join(here, "site");
const dist = join(here, "dist");
const fresh = `${dist}.new`;

async function digest() {
  const hash = createHash("sha256");
  const sources = (await readdir(site)).sort().map((name) => join("site", name));
  for (const path of [...sources, "build.mjs", "package-lock.json"]) {
    hash.update(`${path}\0`).update(await readFile(join(here, path))).update("\0");
  }
  return hash.digest("hex");
}

const built = await digest();
await rm(fresh, { recursive: true, force: true });
await mkdir(fresh, { recursive: true });
const { metafile } = await build({
  entryPoints: [join(site, "app.js"), join(site, "style.css")],
  absWorkingDir: here,
  outdir: join(fresh, "assets"),
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["chrome109", "safari16.4", "firefox115"],
  minify: true,
  legalComments: "external",
  metafile: true,
});

let html = await readFile(join(site, "index.html"), "utf8");
for (const [path, { entryPoint }] of Object.entries(metafile.outputs)) {
  const source = entryPoint?.replace(/^site\//, "");
  if (source) html = html.replace(`"/${source}"`, `"/assets/${path.split("/").pop()}"`);
}
if (/"\/(app\.js|style\.css)"/.test(html)) throw new Error("index.html names a file that the build did not replace.");
await writeFile(join(fresh, "index.html"), html);
await copyFile(join(site, "icon.svg"), join(fresh, "icon.svg"));

const assets = (await readdir(join(fresh, "assets"))).filter((name) => /\.(js|css)$/.test(name)).sort();
const kept = JSON.stringify(["/", "/icon.svg", ...assets.map((name) => `/assets/${name}`)]);
const source = await readFile(join(site, "sw.js"), "utf8");
const worker = source.replace('"form"', `"form-${built.slice(0, 16)}"`).replace("FILES = []", `FILES = ${kept}`);
if (!worker.includes(kept) || !worker.includes(built.slice(0, 16))) throw new Error("sw.js has no place for what was built.");
await writeFile(join(fresh, "sw.js"), worker);
await writeFile(join(fresh, ".built"), `${built}\n`);
await rm(dist, { recursive: true, force: true });
await rename(fresh, dist);
