// Fails when the scripts and styles of the first view are over their budget.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const budget = { gz: 260_000, br: 230_000 }; // bytes, UI-SPEC section 16
const dist = fileURLToPath(new URL("../dist", import.meta.url));
const page = readFileSync(join(dist, "index.html"), "utf8");
const files = new Set([...page.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.(?:js|css))"/g)].map((m) => m[1]));
const total = { gz: 0, br: 0 };
for (const f of files) {
  const gz = statSync(join(dist, `${f}.gz`)).size;
  const br = statSync(join(dist, `${f}.br`)).size;
  total.gz += gz;
  total.br += br;
  console.log(`${String(gz).padStart(8)} gz ${String(br).padStart(8)} br  ${f}`);
}
console.log(
  `${String(total.gz).padStart(8)} gz ${String(total.br).padStart(8)} br  first view, ${files.size} files`,
);
if (files.size === 0 || total.gz > budget.gz || total.br > budget.br) {
  console.error(`over the budget of ${budget.gz} gz, ${budget.br} br`);
  process.exit(1);
}
