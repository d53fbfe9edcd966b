// Builds the app into dist/, with relative paths, so that it can be served at any path. In development Vite serves it,
// and passes on what Docket answers.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const docket = process.env.DOCKET_URL ?? "http://localhost:8000";

/** The font is on its way before the style sheet asks for it, so that the first page is drawn with it. */
const preloadFont: Plugin = {
  name: "preload-font",
  apply: "build",
  transformIndexHtml: {
    order: "post",
    handler(_html, { bundle }) {
      const fonts = Object.keys(bundle ?? {}).filter((it) => it.endsWith(".woff2"));
      return fonts.map((it) => ({ tag: "link", injectTo: "head", attrs: { rel: "preload", as: "font", type: "font/woff2", href: `./${it}`, crossorigin: true } }));
    },
  },
};

/** The service worker, which has to know the names of all files. */
const serviceWorker: Plugin = {
  name: "service-worker",
  apply: "build",
  generateBundle(_options, bundle) {
    const names = Object.keys(bundle).filter((it) => /\.(js|css|woff2)$/.test(it)).sort();
    const files = ["./", "./icon.svg", "./manifest.webmanifest", ...names.map((it) => `./${it}`)];
    const version = createHash("sha256").update(files.join() + readFileSync("index.html")).digest("hex").slice(0, 12);
    const source = readFileSync("src/sw.js", "utf8")
      .replace("self.__FILES__", JSON.stringify(files))
      .replace("self.__VERSION__", JSON.stringify(version));
    this.emitFile({ type: "asset", fileName: "sw.js", source });
  },
};

export default defineConfig({
  base: "./",
  plugins: [react(), preloadFont, serviceWorker],
  build: { license: { fileName: "licences.txt" }, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: {
    proxy: { "/graphql": { target: docket, ws: true }, "/api": docket },
  },
});
