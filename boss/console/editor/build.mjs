// Builds src/ into boss/static/vendor/editor/ and writes the hashes into VENDOR.md.
// The first line of the bundle names the hash of its sources; tests/console/test_editor_bundle.py compares it, so that
// a change of the sources without a build is noticed where there is no node.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const statics = join(here, "..", "..", "static");
const target = join(statics, "vendor", "editor");
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

const sources = [...readdirSync(join(here, "src")).map((name) => `src/${name}`), "package.json", "package-lock.json"].sort();
const fingerprint = sha256(sources.map((name) => `${name} ${sha256(readFileSync(join(here, name)))}\n`).join(""));

const built = await build({
  absWorkingDir: here,
  entryPoints: { editor: "src/main.tsx" },
  outdir: target,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  jsx: "automatic",
  legalComments: "none",
  define: { "process.env.NODE_ENV": '"production"' },
  banner: { js: `/* sources ${fingerprint} */`, css: `/* @xyflow/react, dist/base.css */` },
  metafile: true,
  write: false,
});
mkdirSync(target, { recursive: true });
for (const file of built.outputFiles) writeFileSync(file.path, file.contents);

const packages = [...new Set(
  Object.keys(built.metafile.inputs)
    .filter((path) => path.startsWith("node_modules/"))
    .map((path) => path.split("/").slice(1, path.split("/")[1].startsWith("@") ? 3 : 2).join("/")),
)].sort();
const licences = packages.map((name) => {
  const folder = join(here, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  return { name, version, license, text: file ? readFileSync(join(folder, file), "utf8").trim() : "" };
});
writeFileSync(
  join(target, "LICENSES.txt"),
  licences.map((one) => `${one.name} ${one.version} (${one.license})\n\n${one.text}\n`).join(`\n${"-".repeat(80)}\n\n`),
);

const page = join(statics, "vendor", "VENDOR.md");
let text = readFileSync(page, "utf8");
const contents = licences.map((one) => `${one.name} ${one.version}`).join(", ");
for (const [name, what] of [["editor.js", `our \`boss/console/editor\` with ${contents}`], ["editor.css", "npm `@xyflow/react`, `dist/base.css`"]]) {
  const version = licences.find((one) => one.name === "@xyflow/react").version;
  const kinds = name === "editor.js" ? [...new Set(licences.map((one) => one.license))].join(", ") : "MIT";
  const row = `| \`vendor/editor/${name}\` | ${what} | ${version} | ${kinds} | \`${sha256(readFileSync(join(target, name)))}\` |`;
  const old = new RegExp(`^\\| \`vendor/editor/${name.replace(".", "\\.")}\` .*$`, "m");
  if (!old.test(text)) throw new Error(`VENDOR.md has no row for ${name}`);
  text = text.replace(old, row);
}
writeFileSync(page, text);
for (const file of built.outputFiles) console.log(`${file.path.slice(statics.length + 1)} ${Math.round(file.contents.length / 1024)} kB`);
