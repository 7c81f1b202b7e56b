// node build.mjs FOLDER writes page.js and page.css into the folder; the same sources give the same bytes.
import { build } from "esbuild";

const [folder] = process.argv.slice(2);
await build({
  entryPoints: [
    { in: "source/page.ts", out: "page" },
    { in: "source/page.css", out: "page" },
  ],
  outdir: folder,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "ascii", // so that no character of the script ends it or depends on an encoding
  legalComments: "none",
  logLevel: "warning",
});
