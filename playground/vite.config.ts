// Builds the playground into dist/, with relative paths. Its files are where Docket serves them beside the page.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const formatJson = new URL("src/format-json.ts", import.meta.url).pathname;

export default defineConfig({
  base: "./",
  plugins: [react()],
  resolve: { alias: { "prettier/parser-babel": formatJson, "prettier/plugins/estree": formatJson } },
  worker: { format: "es" },
  build: {
    assetsDir: "graphiql/files",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 5000,
    license: { fileName: "graphiql/files/licences.txt" },
    modulePreload: { polyfill: false },
  },
});
