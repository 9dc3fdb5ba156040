// Builds the styles and scripts into the folder given: node build.mjs FOLDER.
// Everything comes from node_modules beside us; nothing is fetched.
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { mkdirSync, readdirSync, readFileSync, writeFileSync, cpSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { compile } from "sass";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2];
mkdirSync(target, { recursive: true });

const styles = compile(join(here, "styles", "alleviate.scss"), {
  loadPaths: [join(here, "..", "node_modules")],
  style: "compressed",
  quietDeps: true,
});
writeFileSync(join(target, "alleviate.css"), styles.css);

// Each script in scripts/ is one that pages or browsers ask for; what they share lies in scripts/parts/.
const scripts = {
  entryPoints: readdirSync(join(here, "scripts")).filter((name) => name.endsWith(".js"))
    .map((name) => join(here, "scripts", name)),
  outdir: target,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "eof", // the licences of what is bundled stay with it
  logLevel: "error",
  logOverride: { "direct-eval": "silent" }, // htmx asks htmx.config.allowEval first, and we say no
};
await build(scripts);
cpSync(join(here, "pictures"), target, { recursive: true });

// Of NHS.UK frontend's pictures only the signs that the styles use: no logo.
const pictures = join(here, "..", "node_modules", "nhsuk-frontend", "dist", "nhsuk", "assets", "images");
for (const [, name] of styles.css.matchAll(/url\("?\.\/([\w-]+\.svg)/g)) cpSync(join(pictures, name), join(target, name));

// A second and third copy of each, compressed once and as well as can be.
for (const name of readdirSync(target)) {
  const body = readFileSync(join(target, name));
  writeFileSync(join(target, `${name}.gz`), gzipSync(body, { level: 9 }));
  const quality = { [constants.BROTLI_PARAM_QUALITY]: 11 };
  writeFileSync(join(target, `${name}.br`), brotliCompressSync(body, { params: quality }));
}
