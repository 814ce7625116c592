// Runs after the bundler: gives theme.js a content hash, writes a .br and a
// .gz next to every text file, and puts the placeholder back that lets the Go
// package compile where the UI was not built.
import { createHash } from "node:crypto";
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const text = /\.(html|js|css|svg|json|txt|map|md)$/;

const theme = readFileSync(join(dist, "theme.js"));
const name = `theme-${createHash("sha256").update(theme).digest("base64url").slice(0, 8)}.js`;
mkdirSync(join(dist, "assets"), { recursive: true });
renameSync(join(dist, "theme.js"), join(dist, "assets", name));
const index = join(dist, "index.html");
const page = readFileSync(index, "utf8");
if (!page.includes("./theme.js")) throw new Error("index.html does not load ./theme.js");
if (!page.includes('<script type="application/json" id="leeway-bootstrap">{"basePath":""}</script>'))
  throw new Error("index.html lost the block that the server fills");
writeFileSync(index, page.replace("./theme.js", `./assets/${name}`));

// The font is no module, so the bundler's list of licences lacks it.
const licences = join(dist, "licenses.txt");
const font = fileURLToPath(new URL("../node_modules/@fontsource-variable/inter/LICENSE", import.meta.url));
appendFileSync(licences, `\n## Inter (font)\n\n${readFileSync(font, "utf8")}`);

let plain = 0;
let small = 0;
for (const file of readdirSync(dist, { recursive: true })) {
  const path = join(dist, file);
  if (!statSync(path).isFile()) continue;
  const body = readFileSync(path);
  plain += body.length;
  if (!text.test(path)) {
    small += body.length;
    continue;
  }
  writeFileSync(`${path}.gz`, gzipSync(body, { level: 9 }));
  const br = brotliCompressSync(body, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: body.length },
  });
  writeFileSync(`${path}.br`, br);
  small += br.length;
}
writeFileSync(join(dist, ".gitkeep"), "");
console.log(`dist: ${(plain / 1024).toFixed(0)} KiB, compressed ${(small / 1024).toFixed(0)} KiB`);
